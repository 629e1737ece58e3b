//! What a release needs beyond the gate: every combination of features, licences
//! and sources, advisories, and the API against the last version that was
//! published.

use std::process::{Command, Stdio};

use crate::tasks::contract;
use crate::tasks::wasm::succeed;

const PACKAGE: &str = "figma-payments";

pub fn run() -> Result<(), String> {
    install("hack")?;
    succeed(
        contract::cargo()
            .args(["hack", "clippy", "--feature-powerset", "--package", PACKAGE, "--quiet"])
            .args(["--", "--deny", "warnings"]),
    )?;
    install("deny")?;
    let judged = ["check", "licenses", "bans", "sources"];
    succeed(contract::cargo().args(["deny", "--offline", "--log-level", "error"]).args(judged))?;
    advisories()?;
    if !is_published() {
        println!("semver-checks: skipped, no version of {PACKAGE} is published");
        return Ok(());
    }
    install("semver-checks")?;
    succeed(contract::cargo().args(["semver-checks", "--package", PACKAGE, "--all-features"]))
}

/// What is known about the dependencies. The list of it is in no crate: without
/// it nothing is said, and a workflow asks every day.
fn advisories() -> Result<(), String> {
    let deny = || {
        let mut deny = contract::cargo();
        deny.args(["deny", "--log-level", "error"]);
        deny
    };
    let fetched = deny().args(["fetch", "db"]).status();
    if !fetched.is_ok_and(|status| status.success()) {
        println!("advisories: skipped, the database of advisories cannot be fetched");
        return Ok(());
    }
    succeed(deny().args(["check", "advisories"]))
}

/// Has cargo run `cargo NAME`, building it first where it is missing.
fn install(name: &str) -> Result<(), String> {
    let mut there = contract::cargo();
    there.args([name, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if there.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    succeed(contract::cargo().args(["install", "--locked", &format!("cargo-{name}")]))
}

/// Asked outside of the checkout, whose own package would answer.
fn is_published() -> bool {
    let mut command = Command::new("cargo");
    command.args(["info", "--quiet", PACKAGE]).current_dir(std::env::temp_dir());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
