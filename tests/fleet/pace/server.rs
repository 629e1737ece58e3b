//! A redis-server of the test's own, on loopback, and the scripts of the limit with a
//! time that the test gives them.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use redis::{Connection, FromRedisValue, RedisResult, Value};

const PRELUDE: &str = include_str!("../../../src/store/redis/scripts/limit/prelude.lua");
const TAKE: &str = include_str!("../../../src/store/redis/scripts/limit/take.lua");
const TOO_MANY_REQUESTS: &str =
    include_str!("../../../src/store/redis/scripts/limit/too_many_requests.lua");
const PASSED: &str = include_str!("../../../src/store/redis/scripts/limit/passed.lua");
const LEAVE: &str = include_str!("../../../src/store/redis/scripts/limit/leave.lua");
const IDLE: &str = include_str!("../../../src/store/redis/scripts/limit/idle.lua");

/// What begins the line in which the scripts read the time.
const TIME: &str = "local now = ";

/// Ends with the test.
pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// `None` where the program is missing, except in continuous integration.
    pub(crate) fn start() -> Option<Server> {
        for _ in 0..20 {
            // Free now; another program may be faster, so it is tried again.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let process = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--save", "", "--appendonly", "no"])
                .stdout(Stdio::null())
                .spawn();
            let process = match process {
                Ok(process) => process,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    assert!(std::env::var_os("CI").is_none(), "redis-server is not installed");
                    eprintln!("skipped: redis-server is not installed");
                    return None;
                }
                Err(error) => panic!("redis-server: {error}"),
            };
            let mut server = Server { process, port };
            if server.is_ready() {
                return Some(server);
            }
        }
        panic!("redis-server did not start");
    }

    fn is_ready(&mut self) -> bool {
        for _ in 0..500 {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            // Another server could have taken the port.
            let own = format!("process_id:{}\r\n", self.process.id());
            let info = |mut it| redis::cmd("INFO").arg("server").query::<String>(&mut it);
            if self.connection().and_then(info).is_ok_and(|info| info.contains(&own)) {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        false
    }

    fn connection(&self) -> RedisResult<Connection> {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?.get_connection()
    }

    pub(crate) fn scripts(&self) -> Scripts {
        let mut connection = self.connection().unwrap();
        let mut load = |script: &str| {
            // The real text has to be one that Redis takes, too.
            let _: String = load(&mut connection, &format!("{PRELUDE}{script}"));
            load(&mut connection, &format!("{}{script}", with_time_given(PRELUDE)))
        };
        let hashes = [TAKE, TOO_MANY_REQUESTS, PASSED, LEAVE, IDLE].map(&mut load);
        Scripts { connection, hashes }
    }
}

fn load(connection: &mut Connection, script: &str) -> String {
    redis::cmd("SCRIPT").arg("LOAD").arg(script).query(connection).unwrap()
}

/// The prelude that takes the time from the last argument.
fn with_time_given(prelude: &str) -> String {
    let is_time = |line: &&str| line.starts_with(TIME);
    assert_eq!(prelude.lines().filter(is_time).count(), 1, "one line reads the time");
    let line = |line: &str| match is_time(&line) {
        true => format!("{TIME}tonumber(ARGV[#ARGV])\n"),
        false => format!("{line}\n"),
    };
    prelude.lines().map(line).collect()
}

#[derive(Debug, Clone)]
pub(crate) enum Request {
    Take(Take),
    TooManyRequests { age: i64, pause: i64, batch: bool },
    Passed { age: i64 },
    Leave { process: String },
    Idle { per_minute: u32, burst: u32 },
}

#[derive(Debug, Clone)]
pub(crate) struct Take {
    pub(crate) process: String,
    pub(crate) nonce: String,
    pub(crate) batch: bool,
    pub(crate) waited: i64,
    pub(crate) per_minute: u32,
    pub(crate) burst: u32,
    pub(crate) look: i64,
    pub(crate) late: i64,
    pub(crate) callers: usize,
    pub(crate) used: u32,
}

/// What `take.lua` replies. Times in microseconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taken {
    pub(crate) go: bool,
    pub(crate) wait: i64,
    pub(crate) own_slot: i64,
    pub(crate) waiting: i64,
    pub(crate) interval: i64,
    /// Until the pause ends; -1 if there is none.
    pub(crate) pause: i64,
    pub(crate) probe: bool,
    /// In a minute.
    pub(crate) rate: f64,
    pub(crate) reason: String,
    pub(crate) disagree: bool,
}

impl Taken {
    pub(crate) fn of(value: Value) -> Taken {
        type Reply = (i64, i64, i64, i64, i64, i64, i64, i64, String, i64);
        let (go, wait, own_slot, waiting, interval, pause, probe, rate, reason, disagree) =
            Reply::from_redis_value(value).unwrap();
        Taken {
            go: go == 1,
            wait,
            own_slot,
            waiting,
            interval,
            pause,
            probe: probe == 1,
            rate: rate as f64 / 1000.0,
            reason,
            disagree: disagree == 1,
        }
    }
}

/// The scripts on a connection.
pub(crate) struct Scripts {
    pub(crate) connection: Connection,
    hashes: [String; 5],
}

/// The names of one limit's keys.
pub(crate) fn keys(limit: &str) -> [String; 5] {
    ["limit", "queue", "batches", "back", "waiting"].map(|key| format!("{{{limit}}}:{key}"))
}

impl Scripts {
    /// Adds a script of one limit, run at this time, to what is sent to the server.
    pub(crate) fn add(&self, pipe: &mut redis::Pipeline, limit: &str, now: i64, request: &Request) {
        let [take, too_many_requests, passed, leave, idle] = &self.hashes;
        let keys = keys(limit);
        let limit_and_waiting = [keys[0].clone(), keys[4].clone()];
        let (hash, keys, arguments): (_, &[String], Vec<String>) = match request {
            Request::Take(take_) => (take, &keys, take_.arguments()),
            Request::TooManyRequests { age, pause, batch } => {
                let batch = u8::from(*batch).to_string();
                (too_many_requests, &keys[..1], vec![age.to_string(), pause.to_string(), batch])
            }
            Request::Passed { age } => (passed, &keys[..1], vec![age.to_string()]),
            Request::Leave { process } => (leave, &keys[1..], vec![process.clone()]),
            Request::Idle { per_minute, burst } => {
                (idle, &limit_and_waiting, vec![per_minute.to_string(), burst.to_string()])
            }
        };
        let command = pipe.cmd("EVALSHA").arg(hash).arg(keys.len()).arg(keys);
        command.arg(arguments).arg(now);
    }

    pub(crate) fn run(&mut self, limit: &str, now: i64, request: &Request) -> Value {
        let mut pipe = redis::pipe();
        self.add(&mut pipe, limit, now, request);
        let mut values: Vec<Value> = pipe.query(&mut self.connection).unwrap();
        values.remove(0)
    }
}

impl Take {
    fn arguments(&self) -> Vec<String> {
        let kind = if self.batch { "batch" } else { "call" };
        let mut arguments = vec![self.process.clone(), self.nonce.clone(), kind.into()];
        let numbers = [
            self.waited,
            self.per_minute.into(),
            self.burst.into(),
            self.look,
            self.late,
            self.callers as i64,
            self.used.into(),
        ];
        arguments.extend(numbers.iter().map(i64::to_string));
        arguments
    }
}

impl Scripts {
    /// What the scripts cost the server.
    pub(crate) fn cost(&mut self) -> String {
        let info: String =
            redis::cmd("INFO").arg("commandstats").query(&mut self.connection).unwrap();
        info.lines().filter(|line| line.contains("evalsha")).collect()
    }
}
