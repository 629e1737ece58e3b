//! The program in `benches/`: builds it, starts its server, and reads what it prints.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::shared::workspace::Workspace;

use crate::shared::process::{captured, cargo, succeed};

const PACKAGE: &str = "figma-payments-benches";

/// Builds it with the unchanged release profile.
pub fn build() -> Result<PathBuf, String> {
    build_with(&[])
}

/// The same, with other features.
pub fn build_with(features: &[&str]) -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", PACKAGE]).args(features);
    succeed(&mut command)?;
    Ok(Workspace::locate().target().join("release").join(PACKAGE))
}

/// The server, in a process that ends when this is dropped.
pub struct Server {
    child: Child,
    pub base_url: String,
}

impl Server {
    pub fn start(program: &Path) -> Result<Self, String> {
        let failed = |error| format!("{}: {error}", program.display());
        let mut command = Command::new(program);
        let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut base_url = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut base_url).map_err(failed)?;
        }
        Ok(Server { child, base_url: base_url.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program and reads the numbers that it prints.
pub fn numbers(program: &Path, arguments: &[&str]) -> Result<Vec<f64>, String> {
    let mut command = Command::new(program);
    command.args(arguments);
    let printed = captured(command, "the program cannot be run")?.stdout;
    let numbers = printed.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    numbers.map_err(|error| format!("{arguments:?} printed {printed}: {error}"))
}
