//! The Redis that the program shares with other processes: the options that name it, and the
//! connection.

use std::env;
use std::time::Duration;

use figma_payments::{Client, Entitlements, Error, PaymentQuery, RedisHealth, RedisStore};
use url::Url;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::remedy;
use crate::wording;

const URL: &str = "FIGMA_PAYMENTS_REDIS_URL";
const NAMESPACE: &str = "FIGMA_PAYMENTS_NAMESPACE";
const SECRET: &str = "FIGMA_PAYMENTS_REDIS_SECRET";

/// How long one command may take. Longer than in a backend: nobody waits for a page here, and
/// somebody at a terminal may be far from Redis.
const TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub struct RedisOptions {
    /// The Redis over which your processes share the rate limit and the answers
    /// [default: the environment variable FIGMA_PAYMENTS_REDIS_URL]. A URL with a
    /// password belongs in that variable, because everybody on this machine can
    /// see the arguments of a process. If the other processes seal what is in
    /// Redis, set FIGMA_PAYMENTS_REDIS_SECRET to the same secret.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// The namespace of the other processes in Redis, one for each Figma account
    /// [default: the environment variable FIGMA_PAYMENTS_NAMESPACE].
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
}

/// A Redis that is shared.
#[derive(Debug)]
pub struct Shared {
    pub store: RedisStore,
    pub namespace: String,
}

impl RedisOptions {
    /// The Redis that the options or the environment name.
    pub async fn connect(&self) -> Result<Option<Shared>, Failure> {
        let Some(url) = self.url()? else {
            return match self.namespace {
                None => Ok(None),
                Some(_) => Err(Failure::usage(format!(
                    "--namespace is for a Redis, but there is none: give --redis, or set {URL}"
                ))),
            };
        };
        let namespace = match &self.namespace {
            Some(namespace) => Some(namespace.clone()),
            None => variable(NAMESPACE)?.map(|namespace| namespace.to_string()),
        };
        let namespace = namespace.ok_or_else(|| {
            Failure::usage(format!(
                "there is no namespace: give --namespace, or set {NAMESPACE}, to the one that your other processes have; it is a short name for the Figma account, such as acme"
            ))
        })?;
        let builder = RedisStore::builder(url.as_str()).namespace(&namespace).timeout(TIMEOUT);
        let builder = match variable(SECRET)? {
            Some(secret) => builder.sealed(secret.as_bytes()),
            None => builder,
        };
        let store = builder.connect().await.map_err(|error| self.refused(&error))?;
        Ok(Some(Shared { store, namespace }))
    }

    /// The same, where there has to be one.
    pub async fn connect_or_refuse(&self) -> Result<Shared, Failure> {
        self.connect().await?.ok_or_else(|| {
            Failure::usage(format!("there is no Redis: give --redis, or set {URL} to its URL"))
        })
    }

    /// The error of settings that cannot be used, with the option or variable that each of them
    /// comes from.
    fn refused(&self, error: &Error) -> Failure {
        let url = if self.redis.is_some() { "--redis" } else { URL };
        let namespace = if self.namespace.is_some() { "--namespace" } else { NAMESPACE };
        let text = wording::text(error);
        Failure::usage(text.replace("the URL of Redis", url).replace("the namespace", namespace))
    }

    fn url(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.redis {
            Some(url) if may_hold_password(url) => Err(Failure::usage(format!(
                "--redis has a password, which everybody on this machine can see in the list of processes: set the environment variable {URL} to the URL instead, and leave --redis out"
            ))),
            Some(url) => Ok(Some(Zeroizing::new(url.clone()))),
            None => variable(URL),
        }
    }
}

impl Shared {
    /// Becomes one of the processes that share, by a look at what is known. Afterwards
    /// [`failure`](Self::failure) says whether that worked, also where sharing is switched
    /// off; and what is asked from now on can be kept in Redis.
    pub async fn join(&self, client: Client, query: &PaymentQuery) -> Entitlements {
        let entitlements = Entitlements::new(client);
        entitlements.get_cached(query).await;
        entitlements
    }

    /// Why Redis cannot be used now.
    pub fn failure(&self) -> Option<String> {
        let health = self.store.health();
        (!health.in_use).then(|| reason(health))
    }

    /// Why Redis cannot be used now, or could not be used for a while.
    pub fn past_failure(&self) -> Option<String> {
        let health = self.store.health();
        (!health.in_use || health.outages > 0).then(|| reason(health))
    }
}

fn reason(health: RedisHealth) -> String {
    health.last_failure.unwrap_or_else(|| "there is no connection".to_owned())
}

/// The error of something that cannot be done without Redis.
pub fn cannot_be_used(why: &str) -> Failure {
    let message = format!("{why}\n{}", remedy::REDIS);
    Failure { exit: Exit::CouldNotTell, message }
}

/// Also if a `#` or `/` in the password makes another URL of it, or none.
fn may_hold_password(url: &str) -> bool {
    match Url::parse(url) {
        Ok(url) => url.password().is_some() || url.path().contains('@'),
        Err(_) => url.contains('@'),
    }
}

/// The value of a variable, unless it is empty or not set.
fn variable(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    let text = value.map(|value| value.into_string().map(Zeroizing::new)).transpose();
    text.map_err(|_| Failure::usage(format!("{name} is not UTF-8 text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_also_where_it_breaks_the_url() {
        for (url, expected) in [
            ("redis://redis.internal:6379/0", false),
            ("redis://user@redis.internal", false),
            ("redis.internal:6379", false),
            ("redis://:secret@redis.internal", true),
            ("rediss://user:secret@redis.internal:6380", true),
            ("redis://:sec#ret@redis.internal", true),
            ("redis://:sec/ret@redis.internal", true),
            ("redis://user:123/4@redis.internal", true),
        ] {
            assert_eq!(may_hold_password(url), expected, "{url}");
        }
    }
}
