//! `cargo xtask bench redis`: what an answer from Redis costs, compared with a bare `GET` of
//! the same value by the same crate. Starts a `redis-server` of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{median, program, valgrind};
use crate::shared::workspace::Workspace;
use crate::tasks::costs_page::{self, table, thousands};

const HIT: &str = "redis-hit";
const GET: &str = "redis-get";

/// The calls of a measurement. Valgrind is slow, and a hit may take 100 ms at most.
const COUNTED_CALLS: u64 = 4_000;
const TIMED_CALLS: u64 = 200_000;
const IN_FLIGHT: u64 = 64;
const ROUNDS: usize = 5;

/// Measures, and writes the table of `docs/costs.md`.
pub fn run() -> Result<String, String> {
    let server = Server::start()?;
    let program = build()?;
    let cost = |name| valgrind::cost(&program, name, &server.url, COUNTED_CALLS);
    let (hit, get) = (cost(HIT)?, cost(GET)?);
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (name, seconds) in [HIT, GET].into_iter().zip(&mut seconds) {
            let (calls, in_flight) = (TIMED_CALLS.to_string(), IN_FLIGHT.to_string());
            let arguments = ["call", name, &server.url, &calls, &in_flight];
            let took = program::numbers(&program, &arguments)?;
            seconds.push(*took.first().ok_or("no seconds")?);
        }
    }
    let [hit_takes, get_takes] = seconds.map(median);
    let row = |title: &str, cost: valgrind::Cost, takes: f64| {
        vec![
            title.to_owned(),
            thousands(cost.instructions),
            format!("{:.2}", cost.instructions as f64 / get.instructions as f64),
            format!("{:.0}", cost.allocations),
            format!("{:.2}", takes / get_takes),
        ]
    };
    let head = [
        "From Redis",
        "instructions",
        "to a `GET`",
        "allocations",
        "time to a `GET`, 64 in flight",
    ];
    let rows = [
        row("a bare `GET` of the value, by the crate `redis` with a timeout", get, get_takes),
        row("an `Entitlements` hit", hit, hit_takes),
    ];
    let table = table(&head, &rows);
    costs_page::write(&Workspace::locate(), "redis", &table)?;
    Ok(table)
}

/// The program with the feature, beside the one without it.
fn build() -> Result<PathBuf, String> {
    let program = program::build_with(&["--features", "redis"])?;
    let beside = program.with_file_name("figma-payments-benches-redis");
    std::fs::copy(&program, &beside).map_err(|error| format!("{}: {error}", beside.display()))?;
    Ok(beside)
}

/// A Redis on loopback, which ends when this is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Result<Self, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = free.map_err(|error| format!("no port is free: {error}"))?.port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--save", "", "--bind", "127.0.0.1"]);
        let child = command.stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("redis-server cannot be started: {error}"))?;
        Ok(Server { child, url: format!("redis://127.0.0.1:{port}") })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
