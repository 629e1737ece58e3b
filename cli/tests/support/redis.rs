//! A Redis that commands share.

use std::process::Command;

use fleet::redis_server::Redis;

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
