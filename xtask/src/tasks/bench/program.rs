//! The program in `benches/`: building it, its server in a process of its own,
//! and what it prints.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::shared::workspace::Workspace;

use crate::tasks::contract::cargo;

const PACKAGE: &str = "figma-payments-benches";

/// Builds it as a release; nothing of its profile is set anywhere.
pub fn build() -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", PACKAGE]);
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    match status.success() {
        true => Ok(Workspace::locate().target().join("release").join(PACKAGE)),
        false => Err(format!("{PACKAGE} does not build")),
    }
}

/// The server, until it is dropped.
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

/// What a command said, if it succeeded.
#[derive(Debug)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
}

pub fn said(mut command: Command, missing: &str) -> Result<Said, String> {
    let output = command.output().map_err(|error| format!("{missing} ({error})"))?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    match output.status.success() {
        true => Ok(Said { stdout, stderr }),
        false => Err(format!("{command:?} failed\n{stderr}")),
    }
}

/// The numbers that the program prints.
pub fn numbers(program: &Path, arguments: &[&str]) -> Result<Vec<f64>, String> {
    let mut command = Command::new(program);
    command.args(arguments);
    let said = said(command, "the program is missing")?.stdout;
    let numbers = said.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    numbers.map_err(|error| format!("{arguments:?} printed {said}: {error}"))
}
