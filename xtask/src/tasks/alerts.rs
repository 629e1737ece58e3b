//! `cargo xtask alerts`: lets Prometheus's promtool check the page of metrics, the alert rules
//! in `examples/alerts`, and their tests. The page is rendered by `tests/telemetry`, which also
//! checks that every metric in the rules is on it.

use std::process::Command;

use crate::shared::debian;
use crate::shared::process::{cargo, printed, succeed};
use crate::shared::workspace::Workspace;

/// The program, and the package of Debian's that has it.
const PROMTOOL: &str = "promtool";
const PACKAGE: &str = "prometheus";

/// Checks everything. If promtool is missing, this is an error if `CI` is set; otherwise the
/// check is skipped.
pub fn run() -> Result<String, String> {
    let version = match find() {
        Some(version) => version,
        None => {
            let missing = format!(
                "{PROMTOOL} is not installed; install it, for example with `apt-get install {PACKAGE}`"
            );
            return match std::env::var_os("CI") {
                None => Ok(format!("alerts: skipped: {missing}. If CI is set, this is an error\n")),
                Some(_) => Err(format!("alerts: {missing}")),
            };
        }
    };
    let folder = Workspace::locate().root().join("examples/alerts");
    for arguments in [["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"]] {
        succeed(Command::new(PROMTOOL).args(arguments).current_dir(&folder))?;
    }
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--all-features", "--test", "telemetry"]);
    succeed(tests.args(["--", "--include-ignored"]))?;
    Ok(format!("alerts: the page and the rules are accepted by {version}\n"))
}

/// The version of promtool. Installs it if it is missing and the user is root.
fn find() -> Option<String> {
    let version = || Some(printed(PROMTOOL, &["--version"])?.lines().next()?.to_owned());
    version().or_else(|| {
        debian::install_as_root(&[PACKAGE]);
        version()
    })
}
