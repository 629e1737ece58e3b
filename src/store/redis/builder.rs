//! Builds a [`RedisStore`]. The setters take any value; `connect` checks them all.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::RedisStore;
use super::fleet::Settings;
use super::keys::check_namespace;
use super::link::address::LinkSettings;
use super::link::{Check, Link};
use super::seal::{SHORTEST, Secret};
use crate::error::Error;

impl RedisStore {
    /// Connects to the Redis at this URL: `redis://`, or `rediss://` for TLS, with user,
    /// password and database as they are: `redis://user:password@host:6379/0`.
    ///
    /// The namespace is a short name for your Figma account, such as `acme`. Processes with
    /// the same namespace share one rate limit: two Figma accounts need two.
    ///
    /// If Redis cannot be reached, this is no error: an outage of Redis must not stop your
    /// program from starting. The store says so in the log, and is used as soon as Redis is
    /// there.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the URL or the namespace is
    /// wrong, if Redis refuses the login, or if TLS cannot be set up. The message never holds
    /// the password.
    pub async fn connect(
        url: impl Into<String>,
        namespace: impl Into<String>,
    ) -> Result<Self, Error> {
        RedisStore::builder(url).namespace(namespace).connect().await
    }

    /// A store with settings of your own.
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url.into())
    }
}

/// Settings for a [`RedisStore`]; made by [`RedisStore::builder`].
///
/// | Setting | Default | Why |
/// |---|---|---|
/// | [`namespace`](Self::namespace) | none: it has to be set | one for each Figma account |
/// | [`timeout`](Self::timeout) | 100 ms | a Redis that takes longer is of no use to a call |
/// | [`fallback_share`](Self::fallback_share) | a tenth | for a process that has never seen the others |
/// | [`sealed`](Self::sealed) | no | against somebody who can read or write your Redis |
/// | [`replicas`](Self::replicas) | 0 | a failover may lose what was written last |
/// | [`sentinel`](Self::sentinel), [`node`](Self::node) | none | Sentinel, Cluster |
/// | [`root_certificates`](Self::root_certificates) | those of the operating system | `rediss://` with a CA of your own |
///
/// ```no_run
/// use std::time::Duration;
/// use figma_payments::{Error, RedisStore};
///
/// async fn store(secret: &[u8]) -> Result<RedisStore, Error> {
///     RedisStore::builder("rediss://payments:password@redis.internal:6380")
///         .namespace("acme")
///         .timeout(Duration::from_millis(50))
///         .sealed(secret)
///         .connect()
///         .await
/// }
/// ```
#[must_use]
pub struct RedisStoreBuilder {
    urls: Vec<Zeroizing<String>>,
    namespace: String,
    timeout: Duration,
    fallback_share: f64,
    secret: Option<Zeroizing<Vec<u8>>>,
    replicas: u32,
    sentinel: Option<String>,
    root_certificates: Option<String>,
}

/// Without URLs and secret.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .field("fallback_share", &self.fallback_share)
            .field("sealed", &self.secret.is_some())
            .field("replicas", &self.replicas)
            .field("sentinel", &self.sentinel)
            .finish_non_exhaustive()
    }
}

impl RedisStoreBuilder {
    pub(super) fn new(url: String) -> Self {
        RedisStoreBuilder {
            urls: vec![Zeroizing::new(url)],
            namespace: String::new(),
            timeout: Duration::from_millis(100),
            fallback_share: 0.1,
            secret: None,
            replicas: 0,
            sentinel: None,
            root_certificates: None,
        }
    }

    /// A short name for the Figma account. All keys begin with `figma:{NAMESPACE}:`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How long a call may wait for Redis, all its looks together. Also the longest time for
    /// one command. A call that asks Figma looks five times, so let it be five round trips to
    /// your Redis or more; a hit takes one.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Which part of the rate limit a process keeps to that cannot reach Redis, and has never
    /// learned how many processes there are: more than 0, and at most 1. A process that has
    /// learned it keeps to the limit divided by them.
    pub fn fallback_share(mut self, share: f64) -> Self {
        self.fallback_share = share;
        self
    }

    /// Encrypts and authenticates what is in Redis, with keys made of this secret of at least
    /// 32 random bytes: answers, and the names of users and resources. Without the secret
    /// nobody can read who has paid, or write a yes of their own. Who can write may still
    /// delete answers, put an older one back for what is left of its time, and use up the
    /// rate limit.
    ///
    /// All processes that share need the same secret. With another one they share the rate
    /// limit and nothing else.
    pub fn sealed(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secret = Some(Zeroizing::new(secret.as_ref().to_vec()));
        self
    }

    /// How many replicas must have what
    /// [`invalidate`](crate::Entitlements::invalidate) writes before it returns `Ok` (Redis's
    /// `WAIT`). A failover to a replica that does not have it would bring the answer back.
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Another address of the same: a node of the same cluster, or another Sentinel. Scheme,
    /// user, password and database have to be the same. One node is enough to find a
    /// cluster; give several, because that one may be away.
    pub fn node(mut self, url: impl Into<String>) -> Self {
        self.urls.push(Zeroizing::new(url.into()));
        self
    }

    /// The URLs are those of Sentinels, which know where the master of this name is.
    pub fn sentinel(mut self, master: impl Into<String>) -> Self {
        self.sentinel = Some(master.into());
        self
    }

    /// Certificates in PEM that are trusted too, besides those that the operating system
    /// trusts. For `rediss://`.
    pub fn root_certificates(mut self, pem: impl Into<String>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Checks everything, and connects.
    ///
    /// # Errors
    ///
    /// Those of [`RedisStore::connect`], and
    /// [`Configuration`](crate::ErrorKind::Configuration) for a timeout of zero, a share that
    /// is no part of 1, and a secret that is too short.
    pub async fn connect(self) -> Result<RedisStore, Error> {
        check_namespace(&self.namespace)?;
        if self.timeout.is_zero() {
            return Err(Error::configuration(
                "`timeout` is zero, so Redis could never answer; set it to some milliseconds",
            ));
        }
        if !(self.fallback_share > 0.0 && self.fallback_share <= 1.0) {
            return Err(Error::configuration(
                "`fallback_share` is not a part of the rate limit; set it to more than 0 and at most 1",
            ));
        }
        let secret = match &self.secret {
            Some(secret) if secret.len() < SHORTEST => {
                return Err(Error::configuration(format!(
                    "the secret of `sealed` has {} bytes; use at least {SHORTEST} random ones",
                    secret.len()
                )));
            }
            secret => secret.as_ref().map(|secret| Secret::new(secret)),
        };
        let urls: Vec<&str> = self.urls.iter().map(|url| url.as_str()).collect();
        let mut settings = LinkSettings::new(&urls, self.sentinel.as_deref(), self.timeout)?;
        settings.root_certificates = self.root_certificates;
        let link = Link::start(settings, [reaches(&self.namespace)]).await?;
        let namespace = self.namespace.into();
        let settings = Settings { fallback_share: self.fallback_share, replicas: self.replicas };
        Ok(RedisStore { link, namespace, secret, settings })
    }
}

/// Writes into the namespace. So it finds a Redis that takes no writes, a namespace that the
/// login may not use, and the node of a cluster that has the namespace.
fn reaches(namespace: &str) -> Check {
    const KEPT_FOR_MS: u64 = 60_000;
    let key = format!("figma:{{{namespace}}}:reached");
    Arc::new(move |mut connection| {
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(1).arg("PX").arg(KEPT_FOR_MS);
        Some(Box::pin(async move { set.query_async(&mut connection).await }))
    })
}
