//! A Redis that commands share.

use std::process::Command;

use figma_payments::{
    Client, Entitlements, PaymentQuery, PersonalAccessToken, RateLimits, RedisStore, Resource,
    UserId,
};
use fleet::redis_server::Redis;

use super::bulk::PLUGIN;
use super::program::{KEY, Ran};

/// The namespace of the tests.
pub const NAMESPACE: &str = "acme";

/// Runs a command with these variables, and none of the same kind that the machine has.
pub fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figma-payments"));
    command.env("FIGMA_TOKEN", KEY.1);
    for name in ["URL", "SECRET"] {
        command.env_remove(format!("FIGMA_PAYMENTS_REDIS_{name}"));
    }
    command.env_remove("FIGMA_PAYMENTS_NAMESPACE").envs(variables.iter().copied());
    command.args(arguments).output().unwrap().into()
}

/// Runs a command that shares this Redis.
pub fn run_sharing(redis: &Redis, arguments: &[&str]) -> Ran {
    let url = redis.url();
    let variables = [("FIGMA_PAYMENTS_REDIS_URL", &*url), ("FIGMA_PAYMENTS_NAMESPACE", NAMESPACE)];
    run_with(&variables, arguments)
}

/// A replica of a backend, which limits its questions by user to 600 a minute.
pub async fn replica(store: RedisStore, base_url: &str) -> Entitlements {
    let limits = RateLimits::default().by_user(600);
    let token = PersonalAccessToken::new(KEY.1).unwrap();
    let client = Client::builder(token).base_url(base_url).rate_limits(limits).shared(store);
    Entitlements::new(client.build().unwrap())
}

pub async fn connect(redis: &Redis) -> RedisStore {
    RedisStore::connect(redis.url(), NAMESPACE).await.unwrap()
}

pub fn plugin() -> Resource {
    Resource::plugin(PLUGIN).unwrap()
}

pub fn about(user: u64) -> PaymentQuery {
    PaymentQuery::by_user(UserId::from(user), plugin())
}
