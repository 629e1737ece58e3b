//! The one error type of this crate, and what each kind of error asks of you.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::types::PaymentInformation;

/// What went wrong, sorted by what you can do about it.
///
/// | Kind | Retried by the client | Answer your caller | Alert |
/// |---|---|---|---|
/// | [`InvalidQuery`](Self::InvalidQuery) | no | 400 | nobody |
/// | [`Configuration`](Self::Configuration) | no | 500 | you, at start-up |
/// | [`BadRequest`](Self::BadRequest) | no | 400 | you, if it lasts |
/// | [`Unauthorized`](Self::Unauthorized) | no | 401 if you asked by payment token, else 503 | you, if it lasts |
/// | [`Forbidden`](Self::Forbidden) | no | 503 | you |
/// | [`NotFound`](Self::NotFound) | no | 503 | you |
/// | [`RateLimited`](Self::RateLimited) | if the wait fits the deadline | 503 with `Retry-After` | you, if it lasts |
/// | [`Server`](Self::Server) | 500, 502, 503, 504 | 503 | nobody, unless it lasts |
/// | [`Timeout`](Self::Timeout) | yes | 503 | nobody, unless it lasts |
/// | [`Connect`](Self::Connect) | yes | 503 | nobody, unless it lasts |
/// | [`Transport`](Self::Transport) | yes | 503 | nobody, unless it lasts |
/// | [`Redirect`](Self::Redirect) | no | 503 | you |
/// | [`BodyTooLarge`](Self::BodyTooLarge) | no | 503 | you |
/// | [`InvalidResponse`](Self::InvalidResponse) | no | 503 | you |
/// | [`Mismatch`](Self::Mismatch) | no | 403 | you, if it lasts |
/// | [`Store`](Self::Store) | no | 503 | nobody, unless it lasts |
///
/// [`Error::suggested_status`] gives you the third column.
///
/// "Has not paid" is not in this table, because it is an answer and no error. Answer
/// 402 to "has not paid" and 503 to "could not find out". If you mix them up, you
/// ask buyers to pay twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The query is invalid: an id or a payment token is malformed, there is no
    /// resource or more than one, or it names two different users. Nothing was sent.
    ///
    /// *What to do:* the message says what was given and what is expected. Correct
    /// your caller's input, or your own code.
    InvalidQuery,
    /// The client cannot be built with these settings: the access token, the base
    /// URL, a header value or a timeout is not usable. Nothing was sent.
    ///
    /// *What to do:* change the setting that the message names.
    Configuration,
    /// Figma refused the query: status 400, or another 4xx that has no kind of its
    /// own. Figma's guide says that the message names the parameter.
    ///
    /// *What to do:* read [`Error::api_message`].
    BadRequest,
    /// Status 401: Figma refused the access token or the payment token. The
    /// status does not say which of the two, and it is not documented whether the
    /// message does.
    ///
    /// *What to do:* if asking by user fails too, the access token is wrong or has
    /// expired. Access tokens live 90 days at most: make a new one and
    /// [set it](crate::Client::set_access_token). Otherwise the payment token has
    /// expired or was used before: the plugin has to make a new one.
    Unauthorized,
    /// Status 403: Figma knows the access token, but its account may not ask about
    /// this resource.
    ///
    /// *What to do:* use an access token of the account that owns the resource.
    Forbidden,
    /// Status 404: the resource does not exist, or the base URL is wrong.
    ///
    /// *What to do:* check the id and the kind of the resource, and the base URL.
    NotFound,
    /// Too many requests. Either Figma answered 429; or nothing was sent
    /// ([`Error::attempts`] is 0), because an earlier 429 said how long to wait, or
    /// because [the limit that you set](crate::RateLimits) allows no request before
    /// the deadline. [`Error::retry_after`] says how long to wait (days have been
    /// seen), [`Error::rate_limit`] which of Figma's limits it was.
    ///
    /// *What to do:* ask less often. Cache the answers, and set the
    /// [limits](crate::ClientBuilder::rate_limits) of your plan.
    RateLimited,
    /// Status 5xx: Figma, or a proxy before it, has a problem.
    ///
    /// *What to do:* try again later.
    Server,
    /// There was no complete response within the time for connecting, for one
    /// attempt, or for the whole call; or the server answered 408.
    ///
    /// *What to do:* try again later, or set a longer
    /// [`timeout`](crate::ClientBuilder::timeout) or
    /// [`deadline`](crate::ClientBuilder::deadline).
    Timeout,
    /// The client could not connect: name resolution, TCP, TLS or a proxy failed.
    ///
    /// *What to do:* the message says which of them. Check the network and the
    /// installed certificates.
    Connect,
    /// The connection broke before the response was complete.
    ///
    /// *What to do:* try again later.
    Transport,
    /// The server answered with a redirect (3xx). The client did not follow it,
    /// because that would send the access token to the new address.
    ///
    /// *What to do:* check the base URL.
    Redirect,
    /// The response body is longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    ///
    /// *What to do:* check the base URL; it is probably not Figma that answered.
    BodyTooLarge,
    /// The status is 200, but the body cannot be read, or it says that the request
    /// failed; or the status is one that this API does not have, such as 204.
    ///
    /// *What to do:* look for a newer version of this crate. Figma may have changed
    /// its response.
    InvalidResponse,
    /// The response is about another user or resource than you asked about. One
    /// cause is the payment token of another plugin of yours.
    ///
    /// *What to do:* do not give access.
    Mismatch,
    /// The store that processes share cannot be reached (feature `redis`). No question to
    /// Figma gets this error: only what has to reach all processes, such as
    /// `Entitlements::invalidate`.
    ///
    /// *What to do:* try again later.
    Store,
}

impl ErrorKind {
    /// The name of this kind for logs and metrics, such as `rate_limited`. It never
    /// changes.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::InvalidQuery => "invalid_query",
            ErrorKind::Configuration => "configuration",
            ErrorKind::BadRequest => "bad_request",
            ErrorKind::Unauthorized => "unauthorized",
            ErrorKind::Forbidden => "forbidden",
            ErrorKind::NotFound => "not_found",
            ErrorKind::RateLimited => "rate_limited",
            ErrorKind::Server => "server",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Connect => "connect",
            ErrorKind::Transport => "transport",
            ErrorKind::Redirect => "redirect",
            ErrorKind::BodyTooLarge => "body_too_large",
            ErrorKind::InvalidResponse => "invalid_response",
            ErrorKind::Mismatch => "mismatch",
            ErrorKind::Store => "store",
        }
    }
}

/// Prints the [name](Self::as_str).
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a call has no answer. It is as large as a pointer and cheap to clone. It holds
/// no secret: no access token, no payment token, and not the URL of the request.
///
/// [`kind`](Self::kind) says what to do; see the table of [`ErrorKind`].
///
/// ```
/// use figma_payments::{ErrorKind, UserId};
///
/// let error = UserId::try_from("500 123").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidQuery);
/// assert_eq!(error.suggested_status(), 400);
/// assert!(error.to_string().contains("digits"));
/// ```
#[derive(Debug, Clone)]
pub struct Error(pub(crate) Arc<Details>);

/// Which of Figma's limits a 429 is about, by the headers of the response. Names and
/// values are from developers.figma.com/docs/rest-api/rate-limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitHeaders {
    /// `X-Figma-Plan-Tier`: enterprise, org, pro, starter or student.
    pub plan_tier: Option<String>,
    /// `X-Figma-Rate-Limit-Type`: low (View and Collab seats) or high.
    pub limit_type: Option<String>,
    /// `X-Figma-Upgrade-Link`: where the plan can be changed.
    pub upgrade_link: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Details {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) response: Response,
    pub(crate) attempts: u32,
    /// Whether the call asked by payment token.
    pub(crate) by_token: bool,
    /// Whether the server may have seen the request.
    pub(crate) may_have_arrived: bool,
    /// Whether the payment token may be used up, so that asking again is useless.
    pub(crate) used_up: bool,
    /// The response that a [`Mismatch`](ErrorKind::Mismatch) is about.
    pub(crate) mismatched: Option<Mismatched>,
}

/// The answer that is not about what was asked. `Debug` does not show it, because
/// errors are logged.
#[derive(Clone)]
#[cfg_attr(not(feature = "cache"), expect(dead_code, reason = "only the cache reads it"))]
pub(crate) struct Mismatched(pub(crate) PaymentInformation);

impl fmt::Debug for Mismatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mismatched(…)")
    }
}

/// What an error keeps of the response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) rate_limit: Option<RateLimitHeaders>,
    pub(crate) request_id: Option<String>,
    pub(crate) api_message: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Details {
            kind,
            message: message.into(),
            response: Response::default(),
            attempts: 0,
            by_token: false,
            may_have_arrived: true,
            used_up: false,
            mismatched: None,
        }))
    }

    pub(crate) fn invalid_query(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidQuery, message)
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Configuration, message)
    }

    /// The same error, with its details changed.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What went wrong. [`ErrorKind`] says what to do about each kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status of Figma's response, if one began to arrive.
    pub fn status(&self) -> Option<u16> {
        self.0.response.status
    }

    /// The HTTP status to answer your own caller with.
    ///
    /// | Status | When | What your caller can do |
    /// |---|---|---|
    /// | 400 | the query is invalid, or Figma refused it | correct the request |
    /// | 401 | Figma refused the payment token | make a new payment token, once |
    /// | 403 | the payment token is for another user or resource | nothing |
    /// | 500 | your own settings are wrong | nothing |
    /// | 503 | you could not find out | try again later |
    ///
    /// When Figma answers 401 to a query by user, this is 503 and not 401: Figma
    /// refused your access token, and your caller cannot change that.
    ///
    /// "Has not paid" is not an error; answer 402 to it.
    pub fn suggested_status(&self) -> u16 {
        match self.kind() {
            ErrorKind::InvalidQuery | ErrorKind::BadRequest => 400,
            ErrorKind::Unauthorized if self.0.by_token => 401,
            ErrorKind::Mismatch => 403,
            ErrorKind::Configuration => 500,
            ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::RateLimited
            | ErrorKind::Server
            | ErrorKind::Timeout
            | ErrorKind::Connect
            | ErrorKind::Transport
            | ErrorKind::Redirect
            | ErrorKind::BodyTooLarge
            | ErrorKind::InvalidResponse
            | ErrorKind::Store => 503,
        }
    }

    /// The value of `Retry-After` for your own caller, in whole seconds:
    /// [`retry_after`](Self::retry_after), rounded up, at least 1 and at most
    /// `longest`. Figma may ask for days, and your caller should not wait that long.
    ///
    /// `None` if [`suggested_status`](Self::suggested_status) is not 503, or if
    /// [`retry_after`](Self::retry_after) is `None`.
    pub fn suggested_retry_after(&self, longest: Duration) -> Option<u64> {
        let wait = self.retry_after().filter(|_| self.suggested_status() == 503)?;
        let wait = wait.min(longest);
        Some(whole_seconds(wait).max(1))
    }

    /// How long to wait before asking again. If there was a response, this is its
    /// `Retry-After` (seconds or a date; days have been seen). If nothing was sent, it
    /// is what is left of an earlier `Retry-After`, or the time until
    /// [your own limit](crate::RateLimits) allows a request.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.response.retry_after
    }

    /// Which of Figma's limits a 429 is about, if its headers say so.
    pub fn rate_limit(&self) -> Option<&RateLimitHeaders> {
        self.0.response.rate_limit.as_ref()
    }

    /// The id that the server gave the request. Quote it to Figma's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.response.request_id.as_deref()
    }

    /// The message in the response, up to 1,024 characters, with secrets removed.
    pub fn api_message(&self) -> Option<&str> {
        self.0.response.api_message.as_deref()
    }

    /// How many requests this call sent; 0 if it sent none.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the same call may succeed later, without a change on your side.
    pub fn is_retryable(&self) -> bool {
        if self.0.used_up {
            return false;
        }
        match self.kind() {
            ErrorKind::RateLimited
            | ErrorKind::Timeout
            | ErrorKind::Connect
            | ErrorKind::Transport => true,
            ErrorKind::Server => matches!(self.status(), Some(500 | 502 | 503 | 504)),
            _ => false,
        }
    }
}

/// Rounded up, so that nobody who waits that long asks too early.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &*self.0;
        f.write_str(&details.message)?;
        if let Some(said) = &details.response.api_message {
            write!(f, "; the server said: {said}")?;
        }
        if let (Some(_), Some(wait)) = (details.response.status, details.response.retry_after) {
            write!(
                f,
                "; the server asks to wait {} s before the next request",
                whole_seconds(wait)
            )?;
        }
        if let Some(id) = &details.response.request_id {
            write!(f, "; request id {id}")?;
        }
        if details.attempts > 1 {
            write!(f, "; after {} attempts", details.attempts)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
