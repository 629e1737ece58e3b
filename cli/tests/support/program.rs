//! `figma-payments sandbox` as a process of its own, and the other commands that
//! ask it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::wire::{self, Answer};

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

/// What a start that fails says, in one line.
pub fn complaint(arguments: &[&str]) -> String {
    let mut command = command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut greeting = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
    if !greeting.is_empty() {
        child.kill().unwrap();
    }
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(greeting, "", "it started: {arguments:?}");
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Ran { code: output.status.code(), stdout, stderr }
    }
}

/// Runs a command with the access token of the sandbox and this standard input.
pub fn run(arguments: &[&str], stdin: &[u8]) -> Ran {
    run_with_token(Some(KEY.1), arguments, stdin)
}

pub fn run_with_token(token: Option<&str>, arguments: &[&str], stdin: &[u8]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figma-payments"));
    match token {
        Some(token) => command.env("FIGMA_TOKEN", token),
        None => command.env_remove("FIGMA_TOKEN"),
    };
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without having read it.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap().into()
}

/// Runs a command whose standard output goes there.
pub fn run_into(stdout: impl Into<Stdio>, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figma-payments"));
    command.env("FIGMA_TOKEN", KEY.1).args(arguments).stdin(Stdio::null()).stdout(stdout);
    command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap().into()
}

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        Program::spawn(command(&[&["--port", "0"], arguments].concat()))
    }

    /// With a port among the arguments.
    pub fn start_at_port(arguments: &[&str]) -> Self {
        Program::spawn(command(arguments))
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
        assert!(base_url.starts_with("http://"), "{first}");
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

    /// Sends it a signal, waits for its end, and gives its exit code.
    #[cfg(unix)]
    pub fn end_with(&mut self, signal: &str) -> Option<i32> {
        let kill = Command::new("kill").args([signal, &self.id()]).status();
        assert!(kill.unwrap().success());
        self.child.wait().unwrap().code()
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
