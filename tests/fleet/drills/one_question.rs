//! One question, one call: however many processes ask the same at once.

use std::collections::BTreeSet;
use std::time::Duration;

use fleet::figma::{Figma, by_process};
use fleet::process::{Given, PATIENCE, Process};
use fleet::protocol::{How, Order, Question, Report, Settings};
use fleet::redis_server::Redis;
use fleet::redis_server::monitor::Monitor;
use fleet::{turn, wait};

use crate::common::{load, order_all, settings, start_with};

/// How many processes, and callers in each.
fn size() -> (usize, usize) {
    if turn::in_full() { (8, 1_000) } else { (4, 200) }
}

/// The processes. Thousands of callers that begin at once on a small machine, in a program that
/// is not optimized, take longer than the timeout, which is not what is tried here.
fn start(figma: &Figma, redis: &Redis) -> Vec<Process> {
    start_with(size().0, |number| {
        let mut settings = settings(number, figma, redis.url());
        settings.redis.as_mut().expect("it shares").timeout_ms = Some(5_000);
        Settings { deadline_ms: 60_000, ..settings }
    })
}

/// The processes that have asked for the lease: they name themselves in it.
fn processes_at_the_lease(monitor: &Monitor) -> usize {
    let lines = monitor.lines();
    let asked = lines.iter().filter(|line| line.contains("EVALSHA") && line.contains(":lease:"));
    let names = asked.filter_map(|line| {
        let mut words = line.split('"').filter_map(|word| word.split_once('-'));
        words.find(|(name, random)| name.len() == 16 && random.len() == 8).map(|(name, _)| name)
    });
    names.collect::<BTreeSet<_>>().len()
}

/// All callers of all processes ask. Returns when they wait, and one request has arrived.
fn ask_together(
    processes: &mut [Process],
    figma: &Figma,
    monitor: &Monitor,
    question: Question,
) -> Vec<Given> {
    let (_, callers) = size();
    let given = order_all(processes, &Order::AskTogether { callers, how: How::Get, question });
    for (process, given) in processes.iter().zip(&given) {
        assert!(matches!(process.report(*given, PATIENCE), Report::Asked));
    }
    figma.wait_for(1, PATIENCE);
    wait::until_so("all processes want the lease", PATIENCE, || {
        processes_at_the_lease(monitor) == processes.len()
    });
    given
}

fn one_request(question: Question) {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let (redis, figma) = (Redis::start(), Figma::start());
    figma.accept_token("ppt-of-7", 7);
    let (count, callers) = size();
    let mut processes = start(&figma, &redis);
    let monitor = redis.monitor();
    figma.hold();
    let given = ask_together(&mut processes, &figma, &monitor, question);
    figma.answer();
    for (process, given) in processes.iter().zip(given) {
        let load = load(process, given);
        assert_eq!((load.errors(), load.statuses["PAID"]), (0, callers as u64), "{load:?}");
    }
    assert_eq!(figma.count(), 1, "{:?}", by_process(&figma.arrivals()));
    println!("{} callers: {} request", count * callers, figma.count());
}

fn two_requests_with_a_death(question: Question) {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let (redis, figma) = (Redis::start(), Figma::start());
    figma.accept_token("ppt-of-7", 7);
    let (count, callers) = size();
    let mut processes = start(&figma, &redis);
    let monitor = redis.monitor();
    figma.hold();
    let given = ask_together(&mut processes, &figma, &monitor, question);
    let asks = figma.arrivals()[0].by.clone();
    let dead = processes.iter().position(|process| process.name() == asks);
    let dead = dead.expect("a process has sent the request");
    processes[dead].kill();
    figma.wait_for(2, Duration::from_secs(8));
    figma.answer();
    for (number, (process, given)) in processes.iter().zip(given).enumerate() {
        if number != dead {
            let load = load(process, given);
            assert_eq!((load.errors(), load.statuses["PAID"]), (0, callers as u64), "{load:?}");
        }
    }
    let arrivals = figma.arrivals();
    assert_eq!(arrivals.len(), 2, "{:?}", by_process(&arrivals));
    let took = arrivals[1].at - arrivals[0].at;
    println!("{} callers, a death: 2 requests, {took:?} apart", count * callers);
}

#[test]
fn by_user_figma_is_asked_once() {
    one_request(Question::User(7));
}

#[test]
fn by_token_figma_is_asked_once() {
    one_request(Question::Token("ppt-of-7".to_owned()));
}

#[test]
fn by_user_a_killed_process_costs_one_more_request() {
    two_requests_with_a_death(Question::User(7));
}

#[test]
fn by_token_a_killed_process_costs_one_more_request() {
    if !turn::in_full() {
        return;
    }
    two_requests_with_a_death(Question::Token("ppt-of-7".to_owned()));
}
