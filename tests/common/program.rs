//! `figma-payments sandbox` as a process of its own.
#![allow(dead_code, reason = "not every test needs every helper")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::common::wire::{self, Answer};
use serde_json::Value;

/// The access token that the sandbox knows.
pub const KEY: (&str, &str) = ("X-Figma-Token", "figd_sandbox");

/// A running program. It is killed, with SIGKILL where there is one, when this
/// is dropped.
pub struct Program {
    child: Child,
    pub base_url: String,
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figma-payments"));
    command.arg("sandbox").args(arguments);
    command
}

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        Program::spawn(command(&[&["--port", "0"], arguments].concat()))
    }

    /// With as few file descriptors as this.
    pub fn start_with_descriptors(limit: u32) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {limit}; exec \"$0\" sandbox --port 0 --no-limits");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_figma-payments")]);
        Program::spawn(shell)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let base_url = first.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(base_url.starts_with("http://127.0.0.1:"), "{first}");
        Program { child, base_url }
    }

    pub async fn ask(&self, query: &str) -> Answer {
        wire::get(&self.base_url, &format!("/v1/payments?{query}"), &[KEY]).await.unwrap()
    }

    /// One call of the control API.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let target = format!("/_sandbox{path}");
        wire::send(&self.base_url, method, &target, &[], &body.to_string()).await.unwrap()
    }

    /// Its process id.
    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
