//! A Redis that several processes share (feature `redis`).
//!
//! `link/` is the connection, `fleet.rs` this process as one of many; `answers.rs`,
//! `lease.rs` and `limit.rs` are what is shared, and `scripts/` is what Redis decides.

pub(crate) mod answers;
pub(crate) mod builder;
mod denials;
pub(crate) mod fleet;
mod hash;
mod keys;
pub(crate) mod lease;
pub(crate) mod limit;
pub(crate) mod link;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
pub(crate) mod metrics;
pub(crate) mod operator;
mod scripts;
mod seal;
pub(crate) mod value;

use std::fmt;
use std::sync::Arc;

use self::fleet::{Fleet, Settings};
use self::keys::Keys;
use self::link::Link;
use self::operator::FleetOperator;
use self::seal::Secret;

/// A Redis (or Valkey) over which processes share the rate limit, the pause after a 429, the
/// answers, and the questions under way (feature `redis`).
///
/// Give it to [`ClientBuilder::shared`](crate::ClientBuilder::shared). Whoever has the same
/// Redis, the same namespace and the same
/// [`base_url`](crate::ClientBuilder::base_url) shares: your replicas, a nightly job, and
/// `figma-payments bulk --redis`. The limits that you set are those of the Figma account, and
/// no longer to be divided among the processes.
///
/// ```no_run
/// use figma_payments::{Client, Entitlements, Error, PersonalAccessToken, RateLimits, RedisStore};
///
/// async fn entitlements(token: PersonalAccessToken) -> Result<Entitlements, Error> {
///     let store = RedisStore::connect("redis://127.0.0.1:6379", "acme").await?;
///     let client = Client::builder(token)
///         .rate_limits(RateLimits::default().by_token(300).by_user(50)) // of the account
///         .shared(store)
///         .build()?;
///     Ok(Entitlements::new(client))
/// }
/// ```
///
/// # When Redis is away
///
/// No call gets an error because of Redis. A call waits for it for
/// [100 ms](crate::RedisStoreBuilder::timeout) at most, once; after that nobody asks Redis until a
/// probe in the background has reached it again. Meanwhile the process goes on alone: with
/// its share of the rate limit, and with answers of its own, which it drops when Redis is
/// back.
///
/// # What is in Redis
///
/// Who has paid for what, with user ids; no access token, and no payment token, but for a
/// keyed hash. Every key begins with `figma:{NAMESPACE}:` and has an expiry. With
/// [`sealed`](crate::RedisStoreBuilder::sealed) user ids and answers cannot be read there, nor
/// forged.
///
/// Not available on wasm: a Worker has no TCP to Redis here.
///
/// Cheap to clone. It has one connection, and a thread that serves it.
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    namespace: Arc<str>,
    secret: Option<Secret>,
    settings: Settings,
}

/// How a [`RedisStore`] is doing. See [`RedisStore::health`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisHealth {
    /// Whether Redis is used now. If not, this process goes on alone.
    pub in_use: bool,
    /// How often Redis could not be used any more since this process began.
    pub outages: u64,
    /// Why Redis could not be used the last time, if that ever happened.
    pub last_failure: Option<String>,
}

impl RedisStore {
    /// Whether Redis is used, for a readiness probe or a status page. Asks nothing, and waits
    /// for nothing.
    ///
    /// Show it, and let the probe succeed all the same: without Redis a replica still
    /// serves, and if all of them were taken out of service, an outage of Redis would be one
    /// of yours.
    pub fn health(&self) -> RedisHealth {
        RedisHealth {
            in_use: self.link.session().is_some(),
            outages: self.link.outages(),
            last_failure: self.link.last_failure(),
        }
    }

    /// Turns sharing off in this process, or on again: a switch for when something in the
    /// shared answers is wrong. While it is off, this process goes on alone, as in an outage.
    /// [`FleetOperator::set_sharing`] does it for all processes.
    pub fn set_sharing(&self, on: bool) {
        self.link.set_sharing(on);
    }

    /// What an operator needs to know of the processes that ask this server, and can do. It
    /// is what `figma-payments fleet` does.
    ///
    /// `base_url` is that of the [clients](crate::ClientBuilder::base_url):
    /// [`DEFAULT_BASE_URL`](crate::DEFAULT_BASE_URL) if you set none.
    pub fn operator(&self, base_url: &str) -> FleetOperator {
        FleetOperator::new(Fleet::looking_on(self.link.clone(), self.keys(base_url)))
    }

    /// This process as one of those that ask this server.
    pub(crate) fn fleet(&self, base_url: &str) -> Arc<Fleet> {
        metrics::describe();
        Fleet::start(self.link.clone(), self.keys(base_url), self.settings)
    }

    fn keys(&self, base_url: &str) -> Keys {
        Keys::new(&self.namespace, base_url.trim_end_matches('/'), self.secret.clone())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("namespace", &self.namespace)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}
