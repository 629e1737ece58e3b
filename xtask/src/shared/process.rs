//! Running other programs: cargo above all.

use std::process::{Command, Stdio};

use crate::shared::workspace::Workspace;

/// Cargo in the checkout, with the environment of a shell. Without the variables that
/// `cargo run` has set, ring and every crate that depends on it would be built again.
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(Workspace::locate().root());
    for (name, _) in std::env::vars_os() {
        let set_by_cargo = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if set_by_cargo.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command that prints to the terminal.
///
/// # Errors
///
/// It cannot be started, or it fails. Its own output says why.
pub fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{command:?} failed; its output above says why")),
    }
}

/// What a command that succeeded has printed.
#[derive(Debug)]
pub struct Printed {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a command and captures what it prints.
///
/// # Errors
///
/// It fails, or it cannot be started; then the error is `if_missing` with the reason.
pub fn captured(mut command: Command, if_missing: &str) -> Result<Printed, String> {
    let output = command.output().map_err(|error| format!("{if_missing} ({error})"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(Printed { stdout, stderr }),
        false => Err(format!("{command:?} failed\n{stderr}")),
    }
}

/// The trimmed standard output of a program, or `None` if it fails.
pub fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments);
    let printed = captured(command, program).ok()?.stdout;
    Some(printed.trim().to_owned())
}

/// Makes sure that cargo has the subcommand `name`, and installs `cargo-{name}` if it
/// does not.
///
/// # Errors
///
/// It cannot be installed.
pub fn install_subcommand(name: &str) -> Result<(), String> {
    let mut version = cargo();
    version.args([name, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if version.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    succeed(cargo().args(["install", "--locked", &format!("cargo-{name}")]))
}
