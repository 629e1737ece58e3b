//! Where the tools are, and how what they say is reported.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The folder that `cargo xtask contract` fills: tools, and documents for them.
pub fn folder() -> PathBuf {
    let folder = std::env::var_os("FIGMA_PAYMENTS_CONTRACT");
    PathBuf::from(folder.expect("FIGMA_PAYMENTS_CONTRACT is not set; run `cargo xtask contract`"))
}

/// A document by its name: bundled, corrected, or a view of the latter.
pub fn document(name: &str) -> PathBuf {
    folder().join("documents").join(name)
}

/// A file of ours that configures a tool.
pub fn configuration(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A tool that runs on Node, without its telemetry.
pub fn node(tool: &str) -> Command {
    let mut command = Command::new(folder().join("node_modules/.bin").join(tool));
    command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    command
}

/// A tool that runs on Python, where it may leave files behind.
pub fn python(tool: &str) -> Command {
    let mut command = Command::new(folder().join("python/bin").join(tool));
    command.current_dir(folder());
    command
}

/// Runs a tool to its end.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The version of a crate that the tests are built with.
pub fn locked(name: &str) -> String {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let (_, rest) = include_str!("../../Cargo.lock").split_once(&entry).expect("a dependency");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// A line for `cargo xtask contract`, which adds up the cases of a tool.
pub fn report(tool: &str, version: &str, cases: usize) {
    println!("\ncontract\t{tool}\t{version}\t{cases}");
}
