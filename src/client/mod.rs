//! The client: one call, named after the one operation.

mod batch;
mod rate_limiter;
mod retry;

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use tracing::Instrument;

use self::batch::Patience;
use self::rate_limiter::{LONGEST, Limit};
use self::retry::Budget;
use crate::builder::Settings;
use crate::clock::{Instant, sleep};
use crate::secrets::Secrets;
use crate::transport::{Bindings, Http, Transport};
use crate::watch::{Counters, Watch};
use crate::{
    ClientBuilder, Error, ErrorKind, PaymentInformation, PaymentQuery, PersonalAccessToken, answer,
};

pub use rate_limiter::RateLimits;
pub use retry::RetryPolicy;

/// Asks Figma whether a user has paid.
///
/// Cheap to clone: all clones share connections, settings and access token.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    http: Http,
    base_url: Url,
    /// Without the slash that the bindings add.
    asked_url: String,
    settings: Settings,
    credential: RwLock<Arc<Credential>>,
    budget: Budget,
    /// By user and resource, by payment token.
    limits: [Arc<Limit>; 2],
    watch: Watch,
}

struct Credential {
    token: PersonalAccessToken,
    header: Arc<(HeaderName, HeaderValue)>,
}

impl Client {
    /// A client with the defaults, for Figma's production server.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if TLS cannot be set
    /// up, for want of root certificates for instance.
    pub fn new(token: PersonalAccessToken) -> Result<Self, Error> {
        Client::builder(token).build()
    }

    /// A client with settings of your own.
    pub fn builder(token: PersonalAccessToken) -> ClientBuilder {
        ClientBuilder::new(token)
    }

    /// From what [`ClientBuilder`] has checked.
    pub(crate) fn from_parts(
        http: Http,
        base_url: Url,
        settings: Settings,
        token: PersonalAccessToken,
    ) -> Result<Self, Error> {
        let header = Arc::new(settings.auth_scheme.header(&token)?);
        let credential = RwLock::new(Arc::new(Credential { header, token }));
        let asked_url = base_url.as_str().trim_end_matches('/').to_owned();
        let (budget, watch) = (settings.retry.new_budget(), Watch::default());
        let limits = [settings.rate_limits.by_user, settings.rate_limits.by_token]
            .map(Limit::new)
            .map(Arc::new);
        let shared =
            Shared { http, base_url, asked_url, settings, credential, budget, limits, watch };
        Ok(Client { shared: Arc::new(shared) })
    }

    /// Replaces the access token for this client and all its clones. Calls that
    /// start after this returns use the new one.
    ///
    /// Access tokens live 90 days at most; servers live longer.
    ///
    /// ```
    /// # use figma_payments::{Client, Error, PersonalAccessToken};
    /// // Once an hour, say, and after `ErrorKind::Unauthorized` by user.
    /// fn read_again(client: &Client, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    ///     let token = std::fs::read_to_string(path)?;
    ///     Ok(client.set_access_token(PersonalAccessToken::new(token.trim())?)?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if no header can
    /// carry it; the old one stays.
    pub fn set_access_token(&self, token: PersonalAccessToken) -> Result<(), Error> {
        let header = Arc::new(self.shared.settings.auth_scheme.header(&token)?);
        let mut credential = self.shared.credential.write();
        let credential = credential.as_deref_mut().unwrap_or_else(|poisoned| poisoned.get_mut());
        *credential = Arc::new(Credential { token, header });
        Ok(())
    }

    /// Asks Figma about one user and one resource (`GET /v1/payments`).
    ///
    /// Takes a [`PaymentQuery`] (clone it if you need it again); of
    /// [`PaymentParams`](crate::PaymentParams) make one first. The answer is about
    /// what was asked, or it is an error.
    /// [`grants_access`](PaymentInformation::grants_access) says whether the user
    /// may go on.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind) but
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery), and
    /// [`Configuration`](crate::ErrorKind::Configuration) only if no request can
    /// be made of what the builder took; its table says what to answer your own
    /// caller. "Has not paid" is not among them.
    pub async fn get_payments(
        &self,
        query: impl Into<PaymentQuery>,
    ) -> Result<PaymentInformation, Error> {
        self.ask(&query.into(), Patience::Deadline).await
    }

    /// How often things happened to this client and all its clones.
    pub fn counters(&self) -> Counters {
        self.shared.watch.counters()
    }

    pub(crate) async fn ask(
        &self,
        query: &PaymentQuery,
        patience: Patience,
    ) -> Result<PaymentInformation, Error> {
        query.check()?;
        let watch = &self.shared.watch;
        let span = watch.call(&self.shared.base_url, query);
        let attempt = |timeout| self.attempt(query, timeout);
        let attempts = pin!(self.attempts(query, patience, attempt)); // not moved: it is large
        let outcome = attempts.instrument(span.clone()).await;
        watch.answer(&span, &outcome);
        outcome
    }

    pub(crate) async fn attempts<A: Future<Output = Result<PaymentInformation, Error>>>(
        &self,
        query: &PaymentQuery,
        patience: Patience,
        attempt: impl Fn(Duration) -> A,
    ) -> Result<PaymentInformation, Error> {
        let Shared { settings, budget, limits, watch, .. } = &*self.shared;
        let limit = &limits[usize::from(query.payment_token().is_some())];
        let ends = |from: Instant| from + settings.deadline.min(LONGEST);
        let mut now = Instant::now();
        let mut deadline = ends(now);
        let (mut last, mut unknown): (Option<Error>, Option<Error>) = Default::default();
        let (mut number, mut limited) = (0, 0);
        loop {
            let turn = patience.turn(limit, now, deadline).await;
            let went_out = turn.map_err(|error| last.take().unwrap_or(error))?;
            if patience == Patience::Batch {
                deadline = ends(went_out);
            }

            number += 1;
            watch.begin(number);
            let left = deadline.saturating_duration_since(went_out);
            let outcome = attempt(settings.timeout.min(left)).await;
            let outcome = outcome.map_err(|error| error.with(|it| it.attempts = number));
            watch.end(number, &outcome);
            let status = outcome.as_ref().map_or_else(Error::status, |_| Some(200));
            if status.is_some_and(|status| status < 500 && status != 429) {
                limit.passed(went_out);
            }
            let error = match outcome {
                Ok(answer) => {
                    budget.give();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if let (ErrorKind::Unauthorized, Some(first)) = (error.kind(), &unknown) {
                return Err(perhaps_used_up(first, number));
            }
            if error.kind() == ErrorKind::RateLimited && patience.hold(limit, &error) {
                (limited, now) = (limited + 1, Instant::now());
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match settings.retry.wait(number - limited, &error, left) {
                Some(wait) if budget.take() => sleep(wait).await,
                _ => return Err(error),
            }
            now = Instant::now();
            if now >= deadline {
                return Err(error);
            }
            let reached = error.0.sent && error.kind() != ErrorKind::RateLimited;
            if reached && query.payment_token().is_some() {
                unknown.get_or_insert(error.clone());
            }
            last = Some(error);
        }
    }

    async fn attempt(
        &self,
        query: &PaymentQuery,
        timeout: Duration,
    ) -> Result<PaymentInformation, Error> {
        let Shared { http, asked_url, settings, .. } = &*self.shared;
        let credential = self.shared.credential.read();
        let credential = Arc::clone(&credential.unwrap_or_else(PoisonError::into_inner));
        let header = Arc::clone(&credential.header);
        let transport = Transport::new(header, timeout, settings.timeout);
        let bindings = Bindings::new_with_client(asked_url, http.clone(), transport.clone());
        let [file, plugin, token, user, widget] = query.parameters();
        let decoded = bindings.get_payments(file, plugin, token, user, widget).await;
        let secrets = Secrets { access: &credential.token, payment: query.payment_token() };
        answer::read(decoded, transport, query, &secrets)
    }
}

/// A payment token may be good only once. If an attempt with it failed and may
/// have reached the server, a 401 on the next one does not mean that the token
/// was bad: the first failure is the one to report.
fn perhaps_used_up(first: &Error, attempts: u32) -> Error {
    first.clone().with(|details| {
        (details.attempts, details.used_up) = (attempts, true);
        details.message.push_str(
            "; a retry was then refused with 401, perhaps because a payment token is good only once",
        );
    })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { base_url, settings, .. } = &*self.shared;
        f.debug_tuple("Client").field(&base_url.as_str()).field(settings).finish_non_exhaustive()
    }
}
