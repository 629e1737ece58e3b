//! Checks for a release that `.ci/run` does not do: every combination of features,
//! licences and sources, advisories, and the API compared with the last published version.

use std::process::{Command, Stdio};

use crate::shared::process::{cargo, install_subcommand, succeed};

const PACKAGE: &str = "figma-payments";

/// What users of the library build, with features of their choice.
const LIBRARIES: [&str; 2] = [PACKAGE, "figma-payments-gate"];

/// Runs all checks.
pub fn run() -> Result<(), String> {
    install_subcommand("hack")?;
    for package in LIBRARIES {
        succeed(
            cargo()
                .args(["hack", "clippy", "--feature-powerset", "--package", package, "--quiet"])
                .args(["--", "--deny", "warnings"]),
        )?;
    }
    install_subcommand("deny")?;
    let checks = ["check", "licenses", "bans", "sources"];
    succeed(cargo().args(["deny", "--offline", "--log-level", "error"]).args(checks))?;
    advisories()?;
    if !is_published() {
        println!("semver-checks: skipped, because no version of {PACKAGE} is published");
        return Ok(());
    }
    install_subcommand("semver-checks")?;
    for package in LIBRARIES {
        succeed(cargo().args(["semver-checks", "--package", package, "--all-features"]))?;
    }
    Ok(())
}

/// Checks the dependencies for known advisories. Their database is not in the registry; if it
/// cannot be fetched, the check is skipped. A workflow checks every day.
fn advisories() -> Result<(), String> {
    let deny = || {
        let mut deny = cargo();
        deny.args(["deny", "--log-level", "error"]);
        deny
    };
    let fetched = deny().args(["fetch", "db"]).status();
    if !fetched.is_ok_and(|status| status.success()) {
        println!("advisories: skipped, because the database of advisories cannot be fetched");
        return Ok(());
    }
    succeed(deny().args(["check", "advisories"]))
}

/// Whether the registry has the package. Inside the checkout cargo would find the local one.
fn is_published() -> bool {
    let mut command = Command::new("cargo");
    command.args(["info", "--quiet", PACKAGE]).current_dir(std::env::temp_dir());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
