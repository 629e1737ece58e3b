//! The client: one call, named after the one operation.

mod batch;
pub(crate) mod builder;
mod call;
pub(crate) mod decode;
pub(crate) mod rate_limiter;
pub(crate) mod redact;
pub(crate) mod retry;
pub(crate) mod telemetry;

use std::borrow::Borrow;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use tracing::Instrument;

use self::rate_limiter::RateLimiters;
use self::retry::RetryBudget;
use crate::api::types::PaymentInformation;
use crate::client::builder::ClientBuilder;
use crate::client::builder::Settings;
use crate::client::redact::Secrets;
use crate::client::telemetry::{Counters, Watch};
use crate::error::Error;
use crate::model::credentials::PersonalAccessToken;
use crate::model::query::PaymentQuery;
use crate::platform::attempt::{Bindings, Http, Transport};
use crate::platform::clock::Instant;

pub(crate) use call::CallOptions;
pub use rate_limiter::RateLimits;
pub(crate) use rate_limiter::WaitPolicy;
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
    budget: RetryBudget,
    limiters: RateLimiters,
    watch: Watch,
    /// What answers in place of the network.
    #[cfg(test)]
    simulated: Option<Simulated>,
}

/// Answers each attempt in this process.
#[cfg(test)]
pub(crate) type Simulated = Arc<
    dyn Fn(
            PaymentQuery,
        ) -> futures_util::future::BoxFuture<'static, Result<PaymentInformation, Error>>
        + Send
        + Sync,
>;

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
        let shared = Shared {
            http,
            base_url,
            asked_url,
            credential,
            budget: settings.retry.new_budget(),
            limiters: RateLimiters::new(settings.rate_limits),
            settings,
            watch: Watch::default(),
            #[cfg(test)]
            simulated: None,
        };
        Ok(Client { shared: Arc::new(shared) })
    }

    /// A new client, with the connections and the settings of this one but for
    /// the retries, whose attempts are answered in this process.
    #[cfg(test)]
    pub(crate) fn simulated(&self, retry: RetryPolicy, answers: Simulated) -> Self {
        let Shared { http, base_url, settings, credential, .. } = &*self.shared;
        let mut settings = settings.clone();
        settings.retry = retry;
        let token = credential.read().unwrap().token.clone();
        let mut client =
            Client::from_parts(http.clone(), base_url.clone(), settings, token).unwrap();
        Arc::get_mut(&mut client.shared).unwrap().simulated = Some(answers);
        client
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
    /// Takes a [`PaymentQuery`] by value or by reference; make one of
    /// [`PaymentParams`](crate::PaymentParams) first. The answer is about
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
        query: impl Borrow<PaymentQuery>,
    ) -> Result<PaymentInformation, Error> {
        self.ask(query.borrow(), WaitPolicy::Deadline).await
    }

    /// How often things happened to this client and all its clones.
    pub fn counters(&self) -> Counters {
        self.shared.watch.counters()
    }

    pub(crate) async fn ask(
        &self,
        query: &PaymentQuery,
        wait: WaitPolicy,
    ) -> Result<PaymentInformation, Error> {
        let deadline = self.deadline(Instant::now());
        let options = CallOptions { wait, deadline, before_attempt: || {} };
        Ok(self.call(query, options).await?.0)
    }

    pub(crate) async fn call<M>(
        &self,
        query: &PaymentQuery,
        options: CallOptions<impl Fn() -> M>,
    ) -> Result<(PaymentInformation, M), Error> {
        query.check()?;
        let watch = &self.shared.watch;
        let span = watch.call(&self.shared.base_url, query);
        let attempts = pin!(self.attempts(query, options)); // not moved: it is large
        let outcome = attempts.instrument(span.clone()).await;
        watch.answer(&span, &outcome);
        outcome
    }

    async fn attempt(
        &self,
        query: &PaymentQuery,
        timeout: Duration,
    ) -> Result<PaymentInformation, Error> {
        let Shared { http, asked_url, .. } = &*self.shared;
        #[cfg(test)]
        if let Some(simulated) = &self.shared.simulated {
            let answered = tokio::time::timeout(timeout, simulated(query.clone())).await;
            return answered
                .unwrap_or_else(|_| Err(Error::new(crate::ErrorKind::Timeout, "simulated")));
        }
        let credential = self.shared.credential.read();
        let credential = Arc::clone(&credential.unwrap_or_else(PoisonError::into_inner));
        let header = Arc::clone(&credential.header);
        let transport = Transport::new(header, timeout);
        let bindings = Bindings::new_with_client(asked_url, http.clone(), transport.clone());
        let [file, plugin, token, user, widget] = query.parameters();
        let decoded = bindings.get_payments(file, plugin, token, user, widget).await;
        let secrets = Secrets { access: &credential.token, payment: query.payment_token() };
        decode::read(decoded, transport, query, &secrets)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { base_url, settings, .. } = &*self.shared;
        f.debug_tuple("Client").field(&base_url.as_str()).field(settings).finish_non_exhaustive()
    }
}
