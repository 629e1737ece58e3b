//! Simulates fleets, and prints two tables: one line a row, with tabs between the cells.
//! `cargo xtask simulate` writes them into the page on several processes.

mod figma;
mod scenario;
mod steady;
mod zipf;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use figma::MINUTE;
use scenario::{Outcome, Scenario};

const USERS: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const APART: [usize; 3] = [3, 10, 100];
const SEED: u64 = 7;

fn main() {
    let scenarios = scenarios();
    for (scenario, outcome) in scenarios.iter().zip(simulated(&scenarios)) {
        println!("simulated\t{}", row(scenario, outcome).join("\t"));
    }
    for time_to_live in [10 * MINUTE, HOUR, DAY] {
        for limit in [10, 50, 150, 300] {
            println!("calculated\t{}", fitting(limit, time_to_live).join("\t"));
        }
    }
}

/// All of them. A fleet that shares is simulated once: its outcome does not depend on how
/// many processes ask the same limiter and memory.
fn scenarios() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for time_to_live in [10 * MINUTE, DAY] {
        for limit in [50, 300] {
            for users in USERS {
                let scenario = Scenario {
                    users,
                    replicas: 100,
                    shared: true,
                    limit,
                    time_to_live,
                    warm_up: minutes(200_000, users, 1, 10),
                    measured: minutes(600_000, users, 2, 60),
                };
                scenarios.push(scenario.long_enough());
                let apart = |replicas| Scenario { replicas, shared: false, ..scenario };
                scenarios.extend(APART.map(|replicas| apart(replicas).long_enough()));
            }
        }
    }
    scenarios
}

/// The minutes in which about so many requests arrive, but not fewer or more than these.
fn minutes(requests: usize, users: usize, least: usize, most: usize) -> Duration {
    MINUTE * (requests / users).clamp(least, most) as u32
}

/// Runs the scenarios, as many at once as there are processors.
fn simulated(scenarios: &[Scenario]) -> Vec<Outcome> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                while let Some((index, scenario)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    scenarios.get(index).map(|scenario| (index, scenario))
                } {
                    eprintln!("simulating {index} of {}: {scenario:?}", scenarios.len());
                    let _ = sender.send((index, scenario.run(SEED)));
                }
            });
        }
    });
    drop(sender);
    let mut outcomes: Vec<(usize, Outcome)> = receiver.iter().collect();
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The cells of a row: the scenario, what was counted, and what is calculated.
fn row(scenario: &Scenario, mut outcome: Outcome) -> Vec<String> {
    let minutes = scenario.measured.as_secs_f64() / 60.0;
    let a_minute = |count: u32| format!("{:.1}", f64::from(count) / minutes);
    let part = |count: u32| format!("{:.5}", f64::from(count) / f64::from(outcome.requests));
    let cells = [
        (scenario.time_to_live.as_secs() / 60).to_string(),
        scenario.limit.to_string(),
        scenario.users.to_string(),
        if scenario.shared { 0 } else { scenario.replicas }.to_string(),
        a_minute(outcome.calls.all),
        a_minute(outcome.calls.too_many),
        part(outcome.hits),
        part(outcome.refused),
    ];
    outcome.waits.sort_unstable();
    let wait = |share: f64| {
        let index = (outcome.waits.len() as f64 * share) as usize;
        outcome.waits.get(index).map_or(0.0, Duration::as_secs_f64)
    };
    let waits = [0.5, 0.99].map(|share| format!("{:.2}", wait(share)));
    let calculated = scenario.calculated();
    let calculated = [format!("{:.1}", calculated.calls), format!("{:.5}", calculated.refused)];
    [cells.to_vec(), waits.to_vec(), calculated.to_vec()].concat()
}

/// The cells of a row: how many users fit.
fn fitting(limit: u32, time_to_live: Duration) -> Vec<String> {
    let minutes = time_to_live.as_secs() / 60;
    let per_minute = f64::from(limit);
    let distinct = steady::most_distinct(per_minute, time_to_live);
    let mut cells = vec![limit.to_string(), minutes.to_string(), format!("{distinct:.0}")];
    for replicas in [1, 3, 10, 100] {
        let users = steady::most_users(per_minute, time_to_live, f64::from(replicas));
        cells.push(users.to_string());
    }
    cells
}
