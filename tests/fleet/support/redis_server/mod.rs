//! A real redis-server on loopback, started for a test.

pub mod clock;
pub mod cluster;
pub mod monitor;
pub mod options;
pub mod sentinels;

use std::fs;
use std::net::TcpListener;
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::redis::{Client, Connection, ConnectionLike, RedisResult, Value};

use self::clock::Clock;
use self::monitor::Monitor;
use self::options::Options;
use crate::folder::Folder;
use crate::signal::{self, Signal};
use crate::wait;

/// How long a server may take to start, or to answer the test.
const PATIENCE: Duration = Duration::from_secs(10);

/// A redis-server of the test's own. It is killed when it is dropped.
#[derive(Debug)]
pub struct Redis {
    options: Options,
    folder: Folder,
    port: u16,
    tls_port: u16,
    clock: Option<Clock>,
    child: Mutex<Option<Child>>,
    connection: Mutex<Option<Connected>>,
}

/// The test's own connection.
struct Connected(Connection);

impl std::fmt::Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connected(…)")
    }
}

/// What some keys take.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// How many keys there are.
    pub keys: u64,
    /// What `MEMORY USAGE` says of them together.
    pub bytes: u64,
    /// Those that would stay for ever.
    pub without_expiry: Vec<String>,
}

impl Redis {
    /// Whether the program is there. If not, this says so, and the test has to be skipped.
    ///
    /// # Panics
    ///
    /// If it is not there and `CI` is set. There is none for Windows.
    pub fn available() -> bool {
        let version = Command::new("redis-server").arg("--version").output();
        let found = version.is_ok_and(|output| output.status.success());
        if !found {
            let missing = "redis-server is not installed (Debian: apt-get install redis-server)";
            let may_be_missing = cfg!(windows) || std::env::var_os("CI").is_none();
            assert!(may_be_missing, "{missing}; with CI set it has to be there");
            println!("skipped: {missing}");
        }
        found
    }

    /// Starts one with Redis's own defaults, which keeps nothing on disk.
    pub fn start() -> Self {
        Redis::options().start()
    }

    /// To start one with other settings.
    pub fn options() -> Options {
        Options::default()
    }

    fn start_with(options: Options) -> Self {
        let tries = 5;
        // A port that was free may be taken when the server starts.
        (0..tries)
            .find_map(|_| Redis::try_start(&options))
            .unwrap_or_else(|| panic!("no redis-server after {tries} tries"))
    }

    fn try_start(options: &Options) -> Option<Self> {
        let folder = Folder::new();
        let clock = options.has_clock.then(|| Clock::new(&folder));
        let redis = Redis {
            options: options.clone(),
            folder,
            port: free_port(),
            tls_port: free_port(),
            clock,
            child: Mutex::default(),
            connection: Mutex::default(),
        };
        let (folder, ports) = (&redis.folder, (redis.port, redis.tls_port));
        folder.write("redis.conf", options.configuration(folder, ports));
        redis.launch().then_some(redis)
    }

    /// Starts the process. Gives up if it ends by itself.
    fn launch(&self) -> bool {
        let mut command = Command::new("redis-server");
        command.arg(self.folder.path().join("redis.conf"));
        if self.options.is_sentinel {
            command.arg("--sentinel");
        }
        if let Some(clock) = &self.clock {
            clock.attach(&mut command);
        }
        let output = self.folder.path().join("output");
        let output = fs::File::create(output).expect("a file in a temporary folder can be made");
        let started = command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()).spawn();
        *lock(&self.child) = Some(started.expect("redis-server can be started"));
        let begin = Instant::now();
        while self.try_command(&["PING"]).is_err() {
            let ended =
                lock(&self.child).as_mut().is_none_or(|it| !matches!(it.try_wait(), Ok(None)));
            if ended {
                println!("redis-server has ended at its start:\n{}", self.log());
                return false;
            }
            assert!(begin.elapsed() < PATIENCE, "redis-server does not answer:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// The port for connections without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address: `127.0.0.1:…`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL, with the default user's password if there is one.
    pub fn url(&self) -> String {
        match &self.options.password {
            Some(password) => format!("redis://:{password}@{}", self.address()),
            None => format!("redis://{}", self.address()),
        }
    }

    /// Its URL for this user.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@{}", self.address())
    }

    /// Its URL with TLS, without a password.
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls_port)
    }

    /// The number of its process.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn process(&self) -> u32 {
        lock(&self.child).as_ref().expect("the redis-server runs").id()
    }

    /// It stands still (SIGSTOP); its connections stay open.
    pub fn stop(&self) {
        signal::send(Signal::Stop, self.process());
    }

    /// It goes on after [`stop`](Self::stop).
    pub fn go(&self) {
        signal::send(Signal::Continue, self.process());
    }

    /// Kills it (SIGKILL).
    pub fn kill(&self) {
        if let Some(mut child) = lock(&self.child).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again after [`kill`](Self::kill), on the same port, with what is on disk.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&self) {
        self.kill();
        assert!(self.launch(), "the redis-server does not start again");
    }

    /// The same, without what is on disk.
    pub fn restart_empty(&self) {
        self.kill();
        let _ = fs::remove_file(self.folder.path().join("dump.rdb"));
        let _ = fs::remove_dir_all(self.folder.path().join("appendonlydir"));
        self.restart();
    }

    /// What a command answers.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn command(&self, words: &[&str]) -> Value {
        self.try_command(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// What a command answers, as text; lines of an array are joined.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn text(&self, words: &[&str]) -> String {
        text(&self.command(words))
    }

    /// What a command answers, or why it fails.
    ///
    /// # Errors
    ///
    /// Redis's, or that of the connection.
    pub fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        let mut kept = lock(&self.connection);
        let mut connection = match kept.take() {
            Some(Connected(connection)) if connection.is_open() => connection,
            _ => self.connect()?,
        };
        let answer = ask(&mut connection, words);
        // After a restart the old connection is found closed by using it.
        let answer = match answer {
            Err(error) if error.is_connection_dropped() => {
                connection = self.connect()?;
                ask(&mut connection, words)
            }
            answer => answer,
        };
        *kept = Some(Connected(connection));
        answer
    }

    /// A connection of the test's own, for pipelines and bytes.
    ///
    /// # Panics
    ///
    /// If it cannot be reached.
    pub fn connection(&self) -> Connection {
        self.connect().expect("the redis-server can be reached")
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = Client::open(self.url())?.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Begins to collect what all clients ask.
    pub fn monitor(&self) -> Monitor {
        Monitor::start(&self.address(), self.options.password.as_deref())
    }

    /// A field of `INFO`.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub fn info(&self, field: &str) -> String {
        let info = self.text(&["INFO", "everything"]);
        let found = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.unwrap_or_else(|| panic!("no {field} in INFO")).to_owned()
    }

    /// The keys that begin with this.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let mut connection = self.connection();
        let pattern = format!("{prefix}*");
        let (mut keys, mut cursor) = (Vec::new(), 0_u64);
        loop {
            let mut scan = ::redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let (next, found): (u64, Vec<String>) =
                scan.query(&mut connection).expect("SCAN answers");
            keys.extend(found);
            cursor = next;
            if cursor == 0 {
                keys.sort();
                keys.dedup();
                return keys;
            }
        }
    }

    /// What the keys that begin with this take. What Redis needs beside them, such as the
    /// table of expiries, shows in [`used_memory`](Self::used_memory) alone.
    pub fn memory_of(&self, prefix: &str) -> Memory {
        let mut connection = self.connection();
        let mut memory = Memory::default();
        for keys in self.keys(prefix).chunks(1000) {
            let mut pipeline = ::redis::pipe();
            for key in keys {
                pipeline.cmd("MEMORY").arg("USAGE").arg(key).cmd("PTTL").arg(key);
            }
            let answers: Vec<Option<i64>> =
                pipeline.query(&mut connection).expect("MEMORY USAGE answers");
            for (key, answer) in keys.iter().zip(answers.chunks(2)) {
                // A key that has expired meanwhile has no size.
                let [Some(bytes), Some(left)] = *answer else { continue };
                memory.keys += 1;
                memory.bytes += u64::try_from(bytes).unwrap_or_default();
                if left == -1 {
                    memory.without_expiry.push(key.clone());
                }
            }
        }
        memory
    }

    /// The memory that Redis counts as its data.
    pub fn used_memory(&self) -> u64 {
        self.info("used_memory_dataset").parse().expect("a number of bytes")
    }

    /// The bytes of a dump of all that is in it, without compression.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn dump(&self) -> Vec<u8> {
        self.command(&["SAVE"]);
        fs::read(self.folder.path().join("dump.rdb")).expect("SAVE has written a dump")
    }

    /// A replica of it, which has all data already.
    pub fn replica(&self) -> Redis {
        let replica = self.options.clone().start();
        if let Some(password) = &self.options.password {
            replica.command(&["CONFIG", "SET", "masterauth", password]);
        }
        replica.follow(self);
        replica
    }

    /// Becomes a replica of `master`, and waits until it has all data.
    pub fn follow(&self, master: &Redis) {
        self.command(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
        wait::until_so("the replica is connected", PATIENCE, || {
            self.info("role") == "slave" && self.info("master_link_status") == "up"
        });
    }

    /// Becomes a master.
    pub fn promote(&self) {
        self.command(&["REPLICAOF", "NO", "ONE"]);
    }

    /// Whether it is a master.
    pub fn is_master(&self) -> bool {
        self.info("role") == "master"
    }

    /// Moves its date. Needs [`Options::with_clock`].
    ///
    /// # Panics
    ///
    /// If it was started without a clock of its own.
    pub fn clock(&self) -> &Clock {
        self.clock.as_ref().expect("this redis-server was started with `with_clock`")
    }

    /// Its log.
    pub fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("output") + &read("log")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn ask(connection: &mut Connection, words: &[&str]) -> RedisResult<Value> {
    let (name, arguments) = words.split_first().expect("a command has a name");
    let mut command = ::redis::cmd(name);
    for argument in arguments {
        command.arg(*argument);
    }
    command.query(connection)
}

/// A value of Redis as text; the parts of an array are lines.
pub fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::VerbatimString { text, .. } => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Okay => "OK".to_owned(),
        Value::Nil => String::new(),
        Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join("\n"),
        Value::Map(pairs) => pairs
            .iter()
            .map(|(name, it)| text(name) + "\n" + &text(it))
            .collect::<Vec<_>>()
            .join("\n"),
        other => format!("{other:?}"),
    }
}

/// A free port. Not from the operating system's own range: a client that tries again and
/// again to reach a server that is gone could get that server's port for its own end, and
/// so be connected with itself.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let range = 16_000..32_000;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Test programs that start at the same time begin at different ports.
    let first = (process::id() ^ time.subsec_nanos()) % range.len() as u32;
    let _ = NEXT.compare_exchange(0, first as u16 + 1, Ordering::Relaxed, Ordering::Relaxed);
    let ports = (0..range.len()).map(|_| {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        range.start + next % range.len() as u16
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.into_iter().find(is_free).expect("a port of loopback is free")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
