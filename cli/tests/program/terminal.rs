//! What the program writes to a terminal, a pipe or a full disk.

use std::fs::File;
use std::io::{self, PipeWriter};

use fleet::redis_server::Redis;

use crate::support::bulk::{PLUGIN, sandbox};
use crate::support::program::{Ran, run_into};
use crate::support::redis::{NAMESPACE, connect, replica};

/// A pipe whose reader has gone.
fn closed_pipe() -> PipeWriter {
    io::pipe().unwrap().1
}

/// Runs a command whose output cannot be written.
fn unwritten(arguments: &[&str]) -> Vec<Ran> {
    let mut all = vec![run_into(closed_pipe(), arguments)];
    if cfg!(target_os = "linux") {
        let full = File::options().write(true).open("/dev/full").unwrap();
        all.push(run_into(full, arguments));
    }
    all
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_is_none() {
    let program = sandbox(&[("1", "PAID")]).await;
    for (user, json) in [("1", false), ("1", true), ("2", false), ("2", true)] {
        let ask = ["check", "--base-url", &program.base_url, "--user", user, "--plugin", PLUGIN];
        let json = if json { &["--json"][..] } else { &[] };
        for ran in unwritten(&[&ask[..], json].concat()) {
            assert_eq!(ran.code, Some(3), "{ran:?}");
            assert!(
                ran.stderr.starts_with("error: standard output cannot be written: "),
                "{ran:?}"
            );
        }
    }
    // The other error is the one that matters.
    let ask = ["check", "--base-url", "http://127.0.0.1:1", "--user", "1", "--plugin", PLUGIN];
    for ran in unwritten(&[&ask[..], &["--json"]].concat()) {
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stderr.starts_with("error: no response: "), "{ran:?}");
    }
}

#[tokio::test]
async fn what_fleet_cannot_print_is_no_success() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[]).await);
    let _backend = replica(connect(&redis).await, &program.base_url).await;
    let url = redis.url();
    let place = ["--redis", &url, "--namespace", NAMESPACE, "--base-url", &program.base_url];
    let cannot = "standard output cannot be written: ";
    for (command, said) in [
        (&["fleet", "status"][..], format!("error: {cannot}")),
        (&["fleet", "status", "--json"], format!("error: {cannot}")),
        (&["fleet", "forget", "--all"], format!("error: it is done, but {cannot}")),
    ] {
        for ran in unwritten(&[command, &place].concat()) {
            assert_eq!(ran.code, Some(3), "{ran:?}");
            assert!(ran.stderr.starts_with(&said), "{ran:?}");
        }
    }
}

#[test]
fn help_that_cannot_be_written_is_no_success() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["help", "check"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["man"],
    ] {
        for ran in unwritten(arguments) {
            assert_eq!(ran.code, Some(3), "{arguments:?} {ran:?}");
        }
    }
}
