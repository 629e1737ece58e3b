//! `cargo xtask bench`: measures what a call costs, compared with reqwest by hand, and
//! writes a table of docs/costs.md. The main figure is the number of instructions in the
//! client's process, because it is the same on every run and machine.

pub mod program;
pub mod redis;
mod valgrind;

use std::path::Path;

use crate::shared::workspace::Workspace;
use crate::tasks::costs_page::{self, table, thousands};

use program::Server;
use valgrind::Cost;

/// One of the implementations that are compared.
struct Contender {
    /// Its name in `benches/`.
    name: &'static str,
    /// Its name in the table.
    title: &'static str,
    calls: u64,
}

const HTTP_CALLS: [Contender; 4] = [
    Contender { name: "hyper", title: "hyper alone, the floor", calls: 2_000 },
    Contender { name: "by-hand", title: "reqwest by hand", calls: 2_000 },
    Contender { name: "generated", title: "the generated client alone", calls: 2_000 },
    Contender { name: "client", title: "`Client`", calls: 2_000 },
];

const CACHE_HITS: [Contender; 2] = [
    Contender { name: "hit", title: "an `Entitlements` hit", calls: 50_000 },
    Contender { name: "map", title: "the same key in a bare `quick_cache`", calls: 50_000 },
];

/// The layer and the gate are asked with the same request, so both include making it.
const GATE_HITS: [Contender; 3] = [
    Contender { name: "token-hit", title: "an `Entitlements` hit by payment token", calls: 50_000 },
    Contender {
        name: "gate",
        title: "a request with this hit through `PaymentGate`",
        calls: 50_000,
    },
    Contender {
        name: "layer",
        title: "through a `tower-http` layer that does nothing",
        calls: 50_000,
    },
];

/// How many users are put into the cache to measure its memory.
const USERS: u64 = 1_000_000;

/// How many calls run at once in the second measurement of throughput.
const MANY_IN_FLIGHT: u64 = 64;

/// The calls in one measurement of throughput. Throughput varies, so it is for information
/// only, and the median of several rounds is used.
const CALLS: u64 = 16_384;
const ROUNDS: usize = 5;

/// Measures, writes the table of `docs/costs.md`, and gives it with the ratio to reqwest by hand.
pub fn run() -> Result<String, String> {
    let program = program::build()?;
    let server = Server::start(&program)?;
    let measure = |contenders: &[Contender]| {
        let measured = contenders.iter().map(|Contender { name, calls, .. }| {
            eprintln!("measuring {name}");
            valgrind::cost(&program, name, &server.base_url, *calls)
        });
        measured.collect::<Result<Vec<Cost>, String>>()
    };
    let figures = Figures {
        http_calls: measure(&HTTP_CALLS)?,
        cache_hits: measure(&CACHE_HITS)?,
        gate_hits: measure(&GATE_HITS)?,
        one_in_flight: throughput(&program, &server, 1)?,
        many_in_flight: throughput(&program, &server, MANY_IN_FLIGHT)?,
        users: fill(&program)?,
    };
    let report = figures.report();
    costs_page::write(&Workspace::locate(), "bench", &report)?;

    let by_hand = figures.http_calls[1].instructions as f64;
    let client = figures.http_calls[3].instructions as f64;
    Ok(format!("{report}client / by hand, instructions per call: {:.2}\n", client / by_hand))
}

/// The HTTP calls per second of each contender.
fn throughput(program: &Path, server: &Server, in_flight: u64) -> Result<Vec<f64>, String> {
    eprintln!("measuring throughput, {in_flight} in flight");
    let calls = CALLS.to_string();
    let in_flight = in_flight.to_string();
    let mut rounds = vec![Vec::new(); HTTP_CALLS.len()];
    for _ in 0..ROUNDS {
        for (contender, rounds) in HTTP_CALLS.iter().zip(&mut rounds) {
            let arguments = ["call", contender.name, &server.base_url, &calls, &in_flight];
            let seconds = program::numbers(program, &arguments)?;
            rounds.push(CALLS as f64 / seconds.first().ok_or("no seconds")?);
        }
    }
    Ok(rounds.into_iter().map(median).collect())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Memory per user in the cache, in bytes.
struct MemoryPerUser {
    /// What the cache has allocated.
    heap: u64,
    /// What the process has grown by.
    process: u64,
}

fn fill(program: &Path) -> Result<MemoryPerUser, String> {
    eprintln!("measuring {} users in memory", thousands(USERS));
    let users = USERS.to_string();
    let printed = program::numbers(program, &["fill", &users])?;
    let &[kept, grown] = &printed[..] else {
        return Err(format!("`fill` printed {printed:?}; two numbers are expected"));
    };
    if kept != USERS as f64 {
        return Err(format!("only {kept} of {USERS} users were in the cache"));
    }
    let filled = valgrind::heap(program, &["fill", &users])?;
    let empty = valgrind::heap(program, &["fill", "0"])?;
    Ok(MemoryPerUser { heap: (filled - empty) / USERS, process: grown as u64 / USERS })
}

/// Everything that was measured. The order is that of the contenders.
struct Figures {
    http_calls: Vec<Cost>,
    cache_hits: Vec<Cost>,
    gate_hits: Vec<Cost>,
    one_in_flight: Vec<f64>,
    many_in_flight: Vec<f64>,
    users: MemoryPerUser,
}

impl Figures {
    fn report(&self) -> String {
        let by_hand = self.http_calls[1].instructions as f64;
        let costs = |cost: &Cost| {
            let ratio = cost.instructions as f64 / by_hand;
            let digits = if ratio < 0.1 { 3 } else { 2 };
            vec![
                thousands(cost.instructions),
                format!("{ratio:.digits$}"),
                format!("{:.0}", cost.allocations),
            ]
        };
        let mut rows = Vec::new();
        for (index, (contender, cost)) in HTTP_CALLS.iter().zip(&self.http_calls).enumerate() {
            let speeds = [&self.one_in_flight, &self.many_in_flight]
                .map(|speeds| format!("{:.2}", speeds[index] / speeds[1]));
            rows.push([vec![contender.title.to_owned()], costs(cost), speeds.to_vec()].concat());
        }
        let cache_hits = CACHE_HITS.iter().zip(&self.cache_hits);
        for (contender, cost) in cache_hits.chain(GATE_HITS.iter().zip(&self.gate_hits)) {
            let no_speeds = vec![String::new(); 2];
            rows.push([vec![contender.title.to_owned()], costs(cost), no_speeds].concat());
        }
        let head = [
            "A call",
            "instructions",
            "to by hand",
            "allocations",
            "speed to by hand, 1 in flight",
            "64",
        ];
        let table = table(&head, &rows);
        let call = self.http_calls[3].instructions as f64;
        let hit = self.cache_hits[0].instructions as f64;
        let map = self.cache_hits[1].instructions as f64;
        let [token_hit, gate] = [0, 1].map(|index| self.gate_hits[index].instructions as f64);
        format!(
            "{table}\nA hit is {:.0} times cheaper than a call and {:.2} times a bare get. A request with a hit through the gate takes \
         {:.2} times the hit alone. {} users in memory take {} bytes each ({} with all that the process keeps).\n",
            call / hit,
            hit / map,
            gate / token_hit,
            thousands(USERS),
            self.users.heap,
            self.users.process,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_compares_with_reqwest_by_hand() {
        let cost = |instructions| Cost { instructions, allocations: 10.2 };
        let figures = Figures {
            http_calls: [50, 100, 110, 95].map(|it| cost(it * 1000)).to_vec(),
            cache_hits: [800, 400].map(cost).to_vec(),
            gate_hits: [1200, 3000, 900].map(cost).to_vec(),
            one_in_flight: vec![200.0, 100.0, 90.0, 105.0],
            many_in_flight: vec![200.0, 100.0, 90.0, 105.0],
            users: MemoryPerUser { heap: 300, process: 400 },
        };
        let report = figures.report();
        assert!(report.contains("| `Client` | 95,000 | 0.95 | 10 | 1.05 | 1.05 |"), "{report}");
        assert!(report.contains("| an `Entitlements` hit | 800 | 0.008 | 10 |  |  |"), "{report}");
        assert!(report.contains("119 times cheaper than a call and 2.00 times"), "{report}");
        assert!(report.contains("through the gate takes 2.50 times the hit alone"), "{report}");
        assert!(report.contains("1,000,000 users in memory take 300 bytes each (400"), "{report}");
    }
}
