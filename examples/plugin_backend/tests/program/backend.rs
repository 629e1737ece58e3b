//! The program as a process of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use tokio::net::TcpSocket;

use crate::wire::{self, Answer};

/// The plugin of `examples/plugin/manifest.json`.
pub const PLUGIN: &str = "1678669904810665842";

/// What a browser sends along with every request of the plugin's page.
pub const PAGE: (&str, &str) = ("origin", "null");

/// A running backend. It is killed when this is dropped.
pub struct Backend {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: PathBuf,
    pub base_url: String,
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugin_backend"));
    for variable in ["FIGMA_TOKEN", "FIGMA_PAYMENTS_REDIS_URL", "FIGMA_PAYMENTS_NAMESPACE"] {
        command.env_remove(variable);
    }
    command.env("RUST_LOG", "trace");
    command
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs it without a log until it ends. One that serves is stopped once it says
/// so.
pub fn run(command: &mut Command) -> Ran {
    command.env("RUST_LOG", "off");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut stdout).unwrap();
    if !stdout.is_empty() {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Ran { code: output.status.code(), stdout, stderr }
}

impl Backend {
    /// Asks this server, with the sandbox's access token. Its log goes to a file
    /// of this name.
    pub fn start(log: &str, base_url: &str) -> Self {
        let mut command = command();
        command.args(["--listen", "127.0.0.1:0", "--base-url", base_url]);
        Backend::spawn(log, command.env("FIGMA_TOKEN", "figd_sandbox"))
    }

    pub fn spawn(log: &str, command: &mut Command) -> Self {
        let stderr = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("backend_{log}.log"));
        let log = File::create(&stderr).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let base_url = first.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(base_url.starts_with("http://127.0.0.1:"), "{first}");
        Backend { child, stdout, stderr, base_url }
    }

    /// Uses the paid feature, as the plugin's page does.
    pub async fn ask(&self, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [PAGE, ("authorization", &bearer)];
        wire::get(&self.base_url, "/palette", &headers).await.unwrap()
    }

    /// The same from another address of this machine.
    pub async fn ask_from(&self, caller: Ipv4Addr, token: &str) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((caller, 0).into()).unwrap();
        let backend = self.base_url.trim_start_matches("http://").parse().unwrap();
        let stream = socket.connect(backend).await.unwrap();
        let bearer = format!("Bearer {token}");
        let headers = [PAGE, ("authorization", &bearer)];
        wire::send_over(stream, "GET", "/palette", &headers, "").await.unwrap()
    }

    /// The next lines that it prints.
    pub fn lines(&mut self, count: usize) -> String {
        let mut lines = String::new();
        for _ in 0..count {
            self.stdout.read_line(&mut lines).unwrap();
        }
        lines
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}
