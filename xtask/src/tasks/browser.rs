//! `cargo xtask browser`: tries the sandbox's page and the stage in Chromium (`tests/browser`).
//! A report and screenshots are written to `target/browser`.

use std::process::Command;

use crate::shared::debian;
use crate::shared::process::{cargo, printed, succeed};
use crate::shared::workspace::Workspace;

/// The program, and the package of Debian's that has it. `CHROMIUM` may name another.
const CHROMIUM: &str = "/usr/bin/chromium";
const PACKAGE: &str = "chromium";

/// Runs the tests. If Chromium or npm is missing, this is an error if `CI` is set; otherwise
/// they are skipped.
pub fn run() -> Result<String, String> {
    let (chromium, version) = match find() {
        Ok(found) => found,
        Err(missing) => {
            return match std::env::var_os("CI") {
                None => {
                    Ok(format!("browser: skipped: {missing}. If CI is set, this is an error\n"))
                }
                Some(_) => Err(format!("browser: {missing}")),
            };
        }
    };
    let workspace = Workspace::locate();
    let (tests, report) =
        (workspace.root().join("tests/browser"), workspace.target().join("browser"));
    let plugin = workspace.root().join("examples/plugin");
    for folder in [&tests, &plugin] {
        let flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        succeed(Command::new("npm").args(flags).current_dir(folder))?;
    }
    succeed(Command::new("npm").args(["run", "build"]).current_dir(&plugin))?;
    succeed(Command::new("npm").args(["run", "check"]).current_dir(&tests))?;
    // With the features that the tests of the workspace have: that is built already.
    succeed(cargo().args(["test", "--workspace", "--all-features", "--no-run"]))?;

    std::fs::create_dir_all(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    let mut node = Command::new("node");
    node.arg("--test").current_dir(&tests).env("CHROMIUM", chromium);
    for destination in ["stdout".into(), report.join("report.txt")] {
        node.arg("--test-reporter=spec");
        node.arg(format!("--test-reporter-destination={}", destination.display()));
    }
    succeed(&mut node)?;
    Ok(format!(
        "browser: the page and the stage are right in {version}; look at the pictures in {}\n",
        report.display()
    ))
}

/// Chromium and its version. Installs it if it is missing and the user is root.
fn find() -> Result<(String, String), String> {
    printed("npm", &["--version"]).ok_or("npm is not installed")?;
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| CHROMIUM.to_owned());
    let version = || printed(&program, &["--version"]);
    let found = version().or_else(|| {
        debian::install_as_root(&[PACKAGE]);
        version()
    });
    match found {
        Some(version) => Ok((program, version)),
        None => Err(format!(
            "{program} is not installed; install Chromium, for example with `apt-get install {PACKAGE}`, or set CHROMIUM to its path"
        )),
    }
}
