//! What the program writes to a terminal, a pipe or a full disk.

use std::fs::File;
use std::io::{self, PipeWriter};
use std::process::Command;

use fleet::redis_server::Redis;

use crate::support::bulk::{PLUGIN, sandbox};
use crate::support::program::{Ran, run_into};
use crate::support::redis::{NAMESPACE, connect, replica};

/// Runs a command with this environment, without an access token.
fn run_in(environment: &[(&str, &str)], mut command: Command) -> Ran {
    for name in ["CI", "CLICOLOR", "CLICOLOR_FORCE", "FIGMA_TOKEN", "NO_COLOR"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").envs(environment.iter().copied()).output().unwrap().into()
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figma-payments"));
    command.args(arguments);
    command
}

const ASK: [&str; 5] = ["check", "--user", "1", "--plugin", "1"];

#[test]
fn a_pipe_gets_colours_only_if_they_are_asked_for() {
    let force = ("CLICOLOR_FORCE", "1");
    for (environment, coloured) in
        [(&[][..], false), (&[force], true), (&[force, ("NO_COLOR", "1")], false)]
    {
        for arguments in [&ASK[..], &["check", "--no-such-option"], &["help", "check"]] {
            let ran = run_in(environment, program(arguments));
            let said = ran.stderr + &ran.stdout;
            assert_eq!(said.contains('\u{1b}'), coloured, "{environment:?} {said}");
        }
    }
    // In the same style as clap's own errors.
    let [own, of_clap] = [&ASK[..], &["check", "--no-such-option"]]
        .map(|arguments| run_in(&[force], program(arguments)).stderr);
    let begin = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m ";
    assert!(own.starts_with(begin) && of_clap.starts_with(begin), "{own} {of_clap}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_gets_colours_unless_it_wants_none() {
    if Command::new("script").arg("--version").output().is_err() {
        return;
    }
    for (environment, coloured) in [
        (&[][..], true),
        (&[("NO_COLOR", "1")], false),
        (&[("CLICOLOR", "0")], false),
        (&[("TERM", "dumb")], false),
    ] {
        for arguments in ["check --user 1 --plugin 1", "check --no-such-option", "help check"] {
            let command = format!("'{}' {arguments}", env!("CARGO_BIN_EXE_figma-payments"));
            let mut script = Command::new("script");
            script.args(["--quiet", "--command", &command, "/dev/null"]);
            let ran = run_in(environment, script);
            assert!(!ran.stdout.is_empty(), "{ran:?}");
            assert_eq!(ran.stdout.contains('\u{1b}'), coloured, "{environment:?} {ran:?}");
        }
    }
}

#[test]
fn a_word_that_is_nearly_right_is_set_right() {
    for (arguments, expected) in [
        (&["chek"][..], "'check'"),
        (&["fleet", "statsu"], "'status'"),
        (&["check", "--plugn", "1"], "'--plugin'"),
        (&["fleet", "sharing", "of"], "'off'"),
        (&["completions", "bsh"], "'bash'"),
    ] {
        let ran = run_in(&[], program(arguments));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let tip = ran.stderr.lines().find(|line| line.contains("tip: a similar "));
        assert!(tip.is_some_and(|tip| tip.contains(expected)), "{expected}: {ran:?}");
    }
}

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
