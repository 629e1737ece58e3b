//! `cargo xtask bench`: what a call costs, against reqwest by hand, in one run.
//! The figure of record is the number of instructions of the client's process.

pub mod program;
mod valgrind;

use std::path::Path;

use crate::shared::workspace::Workspace;
use crate::tasks::readme::{self, table, thousands};

use program::Server;
use valgrind::Cost;

/// A row: the name in `benches/`, what it is called, and the number of calls.
type Row = (&'static str, &'static str, u64);

const ON_THE_WIRE: [Row; 4] = [
    ("hyper", "hyper alone, the floor", 2_000),
    ("by-hand", "reqwest by hand", 2_000),
    ("generated", "the generated client alone", 2_000),
    ("client", "`Client`", 2_000),
];

const IN_MEMORY: [Row; 2] = [
    ("hit", "an `Entitlements` hit", 50_000),
    ("map", "the same key in a bare `quick_cache`", 50_000),
];

const USERS: u64 = 1_000_000;

/// For throughput, which is for information only: calls, and rounds in turn, of
/// which the median counts.
const CALLS: u64 = 16_384;
const ROUNDS: usize = 5;

/// Measures, writes the README's part, and ends with the ratio.
pub fn run() -> Result<String, String> {
    let program = program::build()?;
    let server = Server::start(&program)?;
    let measure = |rows: &[Row]| {
        let measured = rows.iter().map(|(name, _, calls)| {
            eprintln!("measuring {name}");
            valgrind::cost(&program, name, &server.base_url, *calls)
        });
        measured.collect::<Result<Vec<Cost>, String>>()
    };
    let (wire, memory) = (measure(&ON_THE_WIRE)?, measure(&IN_MEMORY)?);
    let [alone, together] = [1, 64].map(|in_flight| throughput(&program, &server, in_flight));
    let report = report(&wire, &memory, &alone?, &together?, &fill(&program)?);
    readme::write(&Workspace::locate(), "bench", &report)?;

    let [by_hand, client] = [wire[1], wire[3]].map(|cost| cost.instructions as f64);
    Ok(format!("{report}client / by hand, instructions per call: {:.2}\n", client / by_hand))
}

/// Calls a second of each contender on the wire.
fn throughput(program: &Path, server: &Server, in_flight: u64) -> Result<Vec<f64>, String> {
    eprintln!("measuring throughput, {in_flight} in flight");
    let [calls, in_flight] = [CALLS, in_flight].map(|number| number.to_string());
    let mut rounds = vec![Vec::new(); ON_THE_WIRE.len()];
    for _ in 0..ROUNDS {
        for ((name, ..), rounds) in ON_THE_WIRE.iter().zip(&mut rounds) {
            let arguments = ["call", name, &server.base_url, &calls, &in_flight];
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

/// Memory for each of a million users, in bytes.
struct Memory {
    heap: u64,
    process: u64,
}

fn fill(program: &Path) -> Result<Memory, String> {
    eprintln!("measuring {} users in memory", thousands(USERS));
    let users = USERS.to_string();
    let printed = program::numbers(program, &["fill", &users])?;
    let &[kept, grown] = &printed[..] else { return Err(format!("fill printed {printed:?}")) };
    if kept != USERS as f64 {
        return Err(format!("of {USERS} users in memory only {kept} were there"));
    }
    let filled = valgrind::heap(program, &["fill", &users])?;
    let empty = valgrind::heap(program, &["fill", "0"])?;
    Ok(Memory { heap: (filled - empty) / USERS, process: grown as u64 / USERS })
}

fn report(
    wire: &[Cost],
    memory: &[Cost],
    alone: &[f64],
    together: &[f64],
    users: &Memory,
) -> String {
    let by_hand = wire[1].instructions as f64;
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
    for (index, ((_, called, _), cost)) in ON_THE_WIRE.iter().zip(wire).enumerate() {
        let speeds = [alone, together].map(|speeds| format!("{:.2}", speeds[index] / speeds[1]));
        rows.push([vec![(*called).to_owned()], costs(cost), speeds.to_vec()].concat());
    }
    for ((_, called, _), cost) in IN_MEMORY.iter().zip(memory) {
        rows.push([vec![(*called).to_owned()], costs(cost), vec!["".to_owned(); 2]].concat());
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
    let [call, hit, map] = [wire[3], memory[0], memory[1]].map(|cost| cost.instructions as f64);
    format!(
        "{table}\nA hit is {:.0} times cheaper than a call and {:.2} times a bare get. {} users in memory take {} bytes each \
         ({} with all that the process keeps).\n",
        call / hit,
        hit / map,
        thousands(USERS),
        users.heap,
        users.process,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_compares_with_reqwest_by_hand() {
        let cost = |instructions| Cost { instructions, allocations: 10.2 };
        let wire = [50, 100, 110, 95].map(|it| cost(it * 1000));
        let memory = [800, 400].map(cost);
        let speeds = [200.0, 100.0, 90.0, 105.0];
        let users = Memory { heap: 300, process: 400 };
        let report = report(&wire, &memory, &speeds, &speeds, &users);
        assert!(report.contains("| `Client` | 95,000 | 0.95 | 10 | 1.05 | 1.05 |"), "{report}");
        assert!(report.contains("| an `Entitlements` hit | 800 | 0.008 | 10 |  |  |"), "{report}");
        assert!(report.contains("119 times cheaper than a call and 2.00 times"), "{report}");
        assert!(report.contains("1,000,000 users in memory take 300 bytes each (400"), "{report}");
    }
}
