//! `cargo xtask deep release`, with a fake cargo that records its arguments.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs the drill with a cargo that fails if its arguments contain `failing`. Gives the
/// drill's output and the recorded arguments.
fn release(failing: &str) -> (Output, String) {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    let asked = folder.path().join("asked");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{}'\ncase \"$*\" in *'{failing}'*) exit 1 ;; esac\n",
        asked.display()
    );
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["deep", "release"])
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .output()
        .unwrap();
    (output, fs::read_to_string(asked).unwrap())
}

const CHECK: &str = "deny --log-level error check advisories\n";

#[test]
fn a_release_asks_for_advisories() {
    let (output, asked) = release("info");
    assert!(output.status.success(), "{output:?}");
    assert!(asked.contains(CHECK), "{asked}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("advisories: skipped"));
}

#[test]
fn an_advisory_stops_the_release() {
    let (output, asked) = release("check advisories");
    assert_eq!(output.status.code(), Some(100), "{output:?}");
    assert!(asked.ends_with(CHECK), "nothing is done after it: {asked}");
}

#[test]
fn without_the_database_the_advisories_are_skipped_and_the_rest_is_done() {
    let (output, asked) = release("fetch db");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("advisories: skipped, because the database"), "{said}");
    assert!(!asked.contains(CHECK), "{asked}");
    assert!(asked.contains("deny --offline --log-level error check licenses bans sources\n"));
    assert!(asked.contains("semver-checks --package figma-payments"), "{asked}");
}
