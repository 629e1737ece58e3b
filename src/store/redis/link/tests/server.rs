//! Real servers on loopback. They are killed when they are dropped.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use redis::{FromRedisValue, RedisResult};

pub(super) struct Server {
    pub(super) port: u16,
    process: Child,
    folder: PathBuf,
    options: Vec<String>,
}

/// Whether Redis is installed. With CI set it has to be, but for Windows, where there is none.
pub(super) fn is_installed() -> bool {
    let found = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    let installed = found.is_ok_and(|status| status.success());
    if !installed {
        let may_be_missing = cfg!(windows) || std::env::var_os("CI").is_none();
        assert!(may_be_missing, "redis-server is not installed");
        println!("skipped: redis-server is not installed");
    }
    installed
}

/// A port that is free now. Somebody else may take it, so whoever uses it has to look.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    pub(super) fn start(options: &[&str]) -> Self {
        (0..5).find_map(|_| Server::start_at(free_port(), options)).expect("redis-server starts")
    }

    /// `None` if it ends at once, because the port is not free for instance. `{folder}` in
    /// an option is a folder of its own, and `{port}` another port.
    pub(super) fn start_at(port: u16, options: &[&str]) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("figma-payments-link-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let set = |option: &&str| option.replace("{folder}", folder.to_str().unwrap());
        let options: Vec<String> = options.iter().map(set).collect();
        let process = process(port, &folder, &options);
        let mut server = Server { port, process, folder, options };
        server.is_up().then_some(server)
    }

    fn is_up(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.process.try_wait().unwrap().is_none() {
            // Any answer will do, also that a password is missing.
            match self.try_ask::<String>("PING") {
                Err(error) if error.is_io_error() => {}
                _ => return true,
            }
            assert!(Instant::now() < deadline, "redis-server does not answer");
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn try_ask<T: FromRedisValue>(&self, line: &str) -> RedisResult<T> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        let mut words = line.split(' ');
        redis::cmd(words.next().unwrap()).arg(words.collect::<Vec<_>>()).query(&mut connection)
    }

    /// Sends a command whose arguments are separated by spaces.
    pub(super) fn ask<T: FromRedisValue>(&self, line: &str) -> T {
        self.try_ask(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    pub(super) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again after `kill`, at the same port and empty.
    pub(super) fn restart(&mut self) {
        self.process = process(self.port, &self.folder, &self.options);
        assert!(self.is_up());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn process(port: u16, folder: &PathBuf, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    // Sentinel keeps its state in its file of settings.
    let file = folder.join("settings");
    let given = format!("port {port}\nbind 127.0.0.1\ndir {}\n", folder.display());
    fs::write(&file, given + &options.join("\n")).unwrap();
    command.arg(file).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    if options.iter().any(|option| option.starts_with("sentinel ")) {
        command.arg("--sentinel");
    } else {
        command.args(["--save", "", "--appendonly", "no"]);
    }
    command.spawn().unwrap()
}
