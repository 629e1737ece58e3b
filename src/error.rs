//! The one door by which errors leave, and what each kind asks of you.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::types::PaymentInformation;

/// What went wrong, in terms of what to do about it.
///
/// | Kind | Retried by the client | Answer your caller | Alert |
/// |---|---|---|---|
/// | [`InvalidQuery`](Self::InvalidQuery) | no | 400 | nobody |
/// | [`Configuration`](Self::Configuration) | no | 500 | you, at start-up |
/// | [`BadRequest`](Self::BadRequest) | no | 400 | you, if it lasts |
/// | [`Unauthorized`](Self::Unauthorized) | no | 401 for a payment token, else 503 | you, if it lasts |
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
///
/// None of them is "has not paid": that is an answer, not an error. Answer 402
/// to it, and 503 when you could not tell, or buyers are asked to pay twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The question cannot be asked: an id that is none, no resource, or
    /// several. Nothing was sent.
    ///
    /// *Remedy:* the message says what was given and what is missing; it is
    /// your caller's input or your own code.
    InvalidQuery,
    /// The client cannot be built as asked: an access token, base URL, header
    /// value or time that makes no sense. Nothing was sent.
    ///
    /// *Remedy:* mend the setting that the message names.
    Configuration,
    /// Figma refused the question: status 400, or another 4xx without a kind
    /// of its own. Figma's guide says that the message names the parameter.
    ///
    /// *Remedy:* read [`Error::api_message`].
    BadRequest,
    /// Status 401: the access token or the payment token was refused. The
    /// status does not say which of the two, and nobody documents whether the
    /// message does.
    ///
    /// *Remedy:* when asking by user fails too, the access token is at fault:
    /// they live 90 days at most, make a new one and
    /// [set it](crate::Client::set_access_token). Otherwise the payment token
    /// is too old or was used before: the plugin has to make another.
    Unauthorized,
    /// Status 403: the access token is known and may not do this.
    ///
    /// *Remedy:* use a token of the account that owns the resource.
    Forbidden,
    /// Status 404: no such resource, or a base URL that leads elsewhere.
    ///
    /// *Remedy:* check the resource id, its kind, and the base URL.
    NotFound,
    /// Status 429; or nothing was sent ([`Error::attempts`] is 0), because an
    /// earlier 429 asks to wait, or the [limit that you set](crate::RateLimits) has
    /// no slot before the deadline. [`Error::retry_after`] says for how long (days have been seen),
    /// [`Error::rate_limit`] which limit was hit.
    ///
    /// *Remedy:* ask less often: keep answers, set the limits of your plan.
    RateLimited,
    /// Status 5xx.
    ///
    /// *Remedy:* none but time.
    Server,
    /// No complete answer within the time allowed for connecting, for one
    /// attempt, or for the whole call; or the server gave up waiting (408).
    ///
    /// *Remedy:* time; or a longer
    /// [`timeout`](crate::ClientBuilder::timeout).
    Timeout,
    /// No connection: name resolution, TCP, TLS or a proxy failed.
    ///
    /// *Remedy:* the message says which; check network and certificates.
    Connect,
    /// The connection broke during the exchange.
    ///
    /// *Remedy:* none but time.
    Transport,
    /// The server answered with a redirect. It was not followed: the access
    /// token would have gone along.
    ///
    /// *Remedy:* check the base URL.
    Redirect,
    /// The answer is longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    ///
    /// *Remedy:* something other than Figma answers; check the base URL.
    BodyTooLarge,
    /// A success that cannot be read, or that says it is an error.
    ///
    /// *Remedy:* see whether a newer version of this crate reads it.
    InvalidResponse,
    /// A readable answer about another user or resource than the one asked
    /// about, for instance a payment token of another plugin of yours.
    ///
    /// *Remedy:* never treat it as access.
    Mismatch,
}

/// Why there is no answer. As large as a pointer, cheap to clone, and free of
/// secrets: no access token, no payment token and no URL that was asked is in it.
///
/// [`kind`](Self::kind) says what to do; its table is in [`ErrorKind`].
///
/// ```
/// use figma_payments::{ErrorKind, UserId};
///
/// let error = UserId::try_from("500 123").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidQuery);
/// assert!(error.to_string().contains("digits"));
/// ```
#[derive(Debug, Clone)]
pub struct Error(pub(crate) Arc<Details>);

/// The limit behind a 429, as its headers describe it. Header names and values
/// are those of developers.figma.com/docs/rest-api/rate-limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
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
    pub(crate) answer: Answer,
    pub(crate) attempts: u32,
    /// Whether the server may have seen the request.
    pub(crate) sent: bool,
    /// Whether the payment token may be used up, so that asking again is vain.
    pub(crate) used_up: bool,
    /// The answer that a [`Mismatch`](ErrorKind::Mismatch) is about.
    pub(crate) mismatched: Option<Mismatched>,
}

/// An answer about somebody else than was asked about. It is not shown, because an
/// error will be logged.
#[derive(Clone)]
#[cfg_attr(not(feature = "cache"), expect(dead_code, reason = "only the cache reads it"))]
pub(crate) struct Mismatched(pub(crate) PaymentInformation);

impl fmt::Debug for Mismatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What an answer said beside its kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) request_id: Option<String>,
    pub(crate) api_message: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Details {
            kind,
            message: message.into(),
            answer: Answer::default(),
            attempts: 0,
            sent: true,
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

    /// The same error with more known about it.
    pub(crate) fn with(mut self, add: impl FnOnce(&mut Details)) -> Self {
        add(Arc::make_mut(&mut self.0));
        self
    }

    /// What kind of failure it is, and so what to do.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status, if an answer began to arrive.
    pub fn status(&self) -> Option<u16> {
        self.0.answer.status
    }

    /// How long the server asks to be left alone: `Retry-After`, in seconds or
    /// as a date. Figma has been seen to send days. If nothing was sent, what is
    /// left of it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.answer.retry_after
    }

    /// Which limit a 429 speaks of, if its headers say so.
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.0.answer.rate_limit.as_ref()
    }

    /// The id that the server gave the request, to quote to Figma's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.answer.request_id.as_deref()
    }

    /// What the server said, at most 1,024 characters of it, with secrets taken out.
    pub fn api_message(&self) -> Option<&str> {
        self.0.answer.api_message.as_deref()
    }

    /// How many attempts were made for this call; 0 if none was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the same call may succeed later, without a change on your side.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            _ if self.0.used_up => false,
            ErrorKind::RateLimited
            | ErrorKind::Timeout
            | ErrorKind::Connect
            | ErrorKind::Transport => true,
            ErrorKind::Server => matches!(self.status(), Some(500 | 502 | 503 | 504)),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &*self.0;
        f.write_str(&details.message)?;
        if let Some(said) = &details.answer.api_message {
            write!(f, "; the server said: {said}")?;
        }
        if let (Some(_), Some(wait)) = (details.answer.status, details.answer.retry_after) {
            write!(f, "; it asks to wait {} s", wait.as_secs_f64().ceil())?;
        }
        if let Some(id) = &details.answer.request_id {
            write!(f, "; request id {id}")?;
        }
        if details.attempts > 1 {
            write!(f, "; after {} attempts", details.attempts)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
