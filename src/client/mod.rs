//! The client, and what its clones share. `call.rs` makes one call.

// These three first, and in this order: it is that of the reference. It opens with
// `get_payments`.
pub(crate) mod call;

mod batch;

pub(crate) mod builder;

pub(crate) mod decode;
pub(crate) mod rate_limiter;
pub(crate) mod redact;
pub(crate) mod retry;
mod settings;
pub(crate) mod telemetry;
mod times;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use self::rate_limiter::RateLimiters;
#[cfg(feature = "cache")]
use self::rate_limiter::wait_policy::WaitPolicy;
use self::retry::RetryBudget;
#[cfg(any(test, feature = "sandbox"))]
use self::retry::RetryPolicy;
use self::settings::Settings;
use self::telemetry::Telemetry;
use self::telemetry::counters::Counters;
#[cfg(any(test, feature = "sandbox"))]
use crate::api::types::PaymentInformation;
use crate::error::Error;
use crate::model::credentials::PersonalAccessToken;
#[cfg(feature = "cache")]
use crate::model::query::AskedBy;
#[cfg(any(test, feature = "sandbox"))]
use crate::model::query::PaymentQuery;
use crate::platform::http::Http;
#[cfg(feature = "redis")]
use crate::store::redis::fleet::Fleet;
#[cfg(feature = "redis")]
use crate::store::redis::limit::SharedLimit;

/// Asks Figma whether a user has paid.
///
/// Cheap to clone: all clones share connections, settings, access token, rate limits and
/// retry budget.
///
/// ```no_run
/// use figma_payments::{Client, Error, PaymentQuery, PersonalAccessToken, Resource, UserId};
///
/// async fn has_paid(client: &Client, user: UserId) -> Result<bool, Error> {
///     let plugin = Resource::plugin("1678669904810665842")?;
///     let payment = client.get_payments(PaymentQuery::by_user(user, plugin)).await?;
///     Ok(payment.grants_access())
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let client = Client::new(PersonalAccessToken::new(std::env::var("FIGMA_TOKEN")?)?)?;
///     println!("has paid: {}", has_paid(&client, UserId::from(500123)).await?);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    http: Http,
    base_url: Url,
    /// The base URL without a slash at its end, as the generated bindings need it.
    bindings_url: String,
    settings: Settings,
    credential: RwLock<Arc<Credential>>,
    budget: RetryBudget,
    limiters: RateLimiters,
    /// The processes that share with this one.
    #[cfg(feature = "redis")]
    fleet: Option<Arc<Fleet>>,
    telemetry: Telemetry,
    /// Answers attempts instead of the network.
    #[cfg(any(test, feature = "sandbox"))]
    simulated: Option<Simulated>,
}

/// Answers each attempt in this process.
#[cfg(any(test, feature = "sandbox"))]
pub(crate) type Simulated = Arc<
    dyn Fn(
            PaymentQuery,
        ) -> futures_util::future::BoxFuture<'static, Result<PaymentInformation, Error>>
        + Send
        + Sync,
>;

/// What a client is made of.
struct Parts {
    http: Http,
    base_url: Url,
    settings: Settings,
    token: PersonalAccessToken,
    #[cfg(feature = "redis")]
    fleet: Option<Arc<Fleet>>,
}

struct Credential {
    token: PersonalAccessToken,
    header: Arc<(HeaderName, HeaderValue)>,
    version: AccessTokenVersion,
}

/// Counts the access tokens of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccessTokenVersion(u64);

impl Client {
    /// Makes a client from settings that the builder has checked.
    fn from_parts(parts: Parts) -> Result<Self, Error> {
        let Parts { http, base_url, settings, token, .. } = parts;
        let header = Arc::new(settings.auth_scheme.header(&token)?);
        let version = AccessTokenVersion(1);
        let bindings_url = base_url.as_str().trim_end_matches('/').to_owned();
        let limiters = RateLimiters::new(settings.rate_limits);
        #[cfg(feature = "redis")]
        let limiters = match &parts.fleet {
            Some(fleet) => {
                fleet.set_access_token(&token);
                limiters.shared(|asked_by| SharedLimit::new(Arc::clone(fleet), asked_by))
            }
            None => limiters,
        };
        let credential = RwLock::new(Arc::new(Credential { token, header, version }));
        let shared = Shared {
            http,
            base_url,
            bindings_url,
            credential,
            budget: settings.retry.new_budget(),
            limiters,
            #[cfg(feature = "redis")]
            fleet: parts.fleet,
            settings,
            telemetry: Telemetry::new(),
            #[cfg(any(test, feature = "sandbox"))]
            simulated: None,
        };
        Ok(Client { shared: Arc::new(shared) })
    }

    /// A client with the settings of this one, but with this retry policy, and with
    /// these answers instead of the network.
    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn simulated(&self, retry: RetryPolicy, answers: Simulated) -> Self {
        let Shared { http, base_url, settings, .. } = &*self.shared;
        let mut settings = settings.clone();
        settings.retry = retry;
        let client = Client::from_parts(Parts {
            http: http.clone(),
            base_url: base_url.clone(),
            settings,
            token: self.credential().token.clone(),
            #[cfg(feature = "redis")]
            fleet: self.shared.fleet.clone(),
        });
        let mut client = client.expect("these settings have made a client before");
        Arc::get_mut(&mut client.shared).expect("it has no clones yet").simulated = Some(answers);
        client
    }

    #[cfg(feature = "sandbox")]
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        self.shared.settings.retry.clone()
    }

    /// Replaces the access token of this client and all its clones. Calls that start
    /// after this returns use the new one.
    ///
    /// Access tokens live 90 days at most (Figma's documentation), so a server has to
    /// replace its token while it runs.
    ///
    /// ```
    /// # use figma_payments::{Client, Error, PersonalAccessToken};
    /// // Call this every hour, and after `ErrorKind::Unauthorized` to a query by user.
    /// fn reload(client: &Client, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    ///     let token = std::fs::read_to_string(path)?;
    ///     Ok(client.set_access_token(PersonalAccessToken::new(token.trim())?)?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if no header can carry the new
    /// token. The client keeps the old one.
    pub fn set_access_token(&self, token: PersonalAccessToken) -> Result<(), Error> {
        let header = Arc::new(self.shared.settings.auth_scheme.header(&token)?);
        let mut credential = self.shared.credential.write();
        let credential = credential.as_deref_mut().unwrap_or_else(|poisoned| poisoned.get_mut());
        let version = AccessTokenVersion(credential.version.0 + 1);
        #[cfg(feature = "redis")]
        if let Some(fleet) = &self.shared.fleet {
            fleet.set_access_token(&token);
        }
        *credential = Arc::new(Credential { token, header, version });
        Ok(())
    }

    /// Which access token a call that begins now is sent with.
    #[cfg(feature = "cache")]
    pub(crate) fn access_token_version(&self) -> AccessTokenVersion {
        self.credential().version
    }

    /// The processes that share with this one.
    #[cfg(feature = "redis")]
    pub(crate) fn fleet(&self) -> Option<&Arc<Fleet>> {
        self.shared.fleet.as_ref()
    }

    /// Takes a slot of the rate limit if one is free and no call waits for one.
    #[cfg(feature = "cache")]
    pub(crate) async fn slot_if_idle(&self, asked_by: AskedBy) -> Option<WaitPolicy> {
        self.shared.limiters.of(asked_by).acquire_if_idle().await
    }

    fn credential(&self) -> Arc<Credential> {
        let credential = self.shared.credential.read();
        Arc::clone(&credential.unwrap_or_else(PoisonError::into_inner))
    }

    /// The counters of this client and all its clones.
    pub fn counters(&self) -> Counters {
        self.shared.telemetry.counters()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { base_url, settings, .. } = &*self.shared;
        f.debug_tuple("Client").field(&base_url.as_str()).field(settings).finish_non_exhaustive()
    }
}
