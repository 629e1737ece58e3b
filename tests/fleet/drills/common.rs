//! What the drills have in common: a fleet of processes, and what is said to it.

use fleet::figma::Figma;
use fleet::process::{Given, PATIENCE, Process};
use fleet::protocol::{Answer, Failure, How, Load, Order, Question, Report, Settings};

pub const WORKER: &str = env!("CARGO_BIN_EXE_fleet-worker");

/// The namespace of the drills.
pub const NAMESPACE: &str = "drill";

/// What all keys begin with.
pub const PREFIX: &str = "figma:{drill}:";

/// The settings of one process of a fleet: `p0`, `p1`, and so on.
pub fn settings(number: usize, figma: &Figma, url: impl ToString) -> Settings {
    Settings::sharing(format!("p{number}"), figma.base_url(), url, NAMESPACE)
}

/// Starts this many processes that share a Redis.
pub fn start(count: usize, figma: &Figma, url: &str) -> Vec<Process> {
    start_with(count, |number| settings(number, figma, url))
}

/// The same, each with settings of its own.
pub fn start_with(count: usize, settings: impl Fn(usize) -> Settings) -> Vec<Process> {
    Process::start_all(WORKER, &(0..count).map(settings).collect::<Vec<_>>())
}

/// Asks about a user.
pub fn ask(process: &mut Process, how: How, user: u64) -> Result<Answer, Failure> {
    process.ask(&Order::Ask { how, question: Question::User(user) })
}

/// Asks by payment token.
pub fn ask_by_token(process: &mut Process, how: How, token: &str) -> Result<Answer, Failure> {
    process.ask(&Order::Ask { how, question: Question::Token(token.to_owned()) })
}

/// What is kept about this question, if anything is.
pub fn kept(process: &mut Process, question: Question) -> Option<Answer> {
    match process.run(&Order::Ask { how: How::Cached, question }) {
        Report::Nothing => None,
        Report::Answer(answer) => Some(answer.expect("reading what is kept cannot fail")),
        other => panic!("{other:?}"),
    }
}

/// What is kept about this user, if anything is.
pub fn kept_about(process: &mut Process, user: u64) -> Option<Answer> {
    kept(process, Question::User(user))
}

/// `Entitlements::invalidate`.
pub fn invalidate(process: &mut Process, user: u64) -> Result<(), Failure> {
    match process.run(&Order::Invalidate { user }) {
        Report::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

/// `Entitlements::prime_at`.
pub fn prime(process: &mut Process, user: u64, status: &str, age_ms: u64) {
    let order = Order::Prime { first_user: user, users: 1, status: status.to_owned(), age_ms };
    let Report::Done(Ok(())) = process.run(&order) else { panic!("no prime") };
}

/// The load that an order came to.
pub fn load(process: &Process, given: Given) -> Load {
    match process.report(given, 10 * PATIENCE) {
        Report::Load(load) => load,
        other => panic!("{other:?}"),
    }
}

/// Gives all of them the same order.
pub fn order_all(processes: &mut [Process], order: &Order) -> Vec<Given> {
    processes.iter_mut().map(|process| process.order(order)).collect()
}

/// What the loads of all of them came to.
pub fn merged(processes: &[Process], given: &[Given]) -> Load {
    let mut all = Load::default();
    for (process, given) in processes.iter().zip(given) {
        all.merge(&load(process, *given));
    }
    all
}
