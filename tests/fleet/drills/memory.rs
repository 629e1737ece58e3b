//! What a million answers take, and that all of them end.

use std::time::Duration;

use fleet::figma::Figma;
use fleet::process::Process;
use fleet::protocol::{Order, Report, Settings};
use fleet::redis_server::Redis;
use fleet::turn;

use crate::common::{PREFIX, WORKER, prime, settings};

/// The first user has an id as long as Figma's.
const FIRST: u64 = 1_000_000_000_000_000_000;

#[test]
fn answers_are_small_and_end() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::start(), Figma::start());
    let month = Duration::from_secs(30 * 24 * 3600).as_millis() as u64;
    let settings = Settings { paid_ttl_ms: month, ..settings(0, &figma, redis.url()) };
    let mut settings = settings;
    // What is primed while Redis takes longer than this is kept in the process alone.
    settings.redis.as_mut().expect("it shares").timeout_ms = Some(10_000);
    let mut process = Process::start(WORKER, &settings);
    let used = || redis.info("used_memory").parse::<u64>().unwrap();
    // What is from before the order began does not count, so it has to be some time ago.
    prime(&mut process, 1, "PAID", 0);
    std::thread::sleep(Duration::from_secs(1));
    let before = used();
    let users = if turn::in_full() { 1_000_000 } else { 20_000 };
    let order = Order::Prime { first_user: FIRST, users, status: "PAID".to_owned(), age_ms: 0 };
    let given = process.order(&order);
    let Report::Done(Ok(())) = process.report(given, Duration::from_secs(1_800)) else {
        panic!("no answers")
    };
    let bytes = (used() - before) as f64 / users as f64;
    let memory = redis.memory_of(PREFIX);
    println!("{users} answers: {bytes:.0} bytes each; {} keys", memory.keys);
    assert!(memory.keys >= users, "{} keys", memory.keys);
    assert_eq!(memory.without_expiry, [""; 0]);
    // What Redis needs once weighs more with fewer answers.
    let most = if turn::in_full() { 300.0 } else { 350.0 };
    assert!(bytes <= most, "{bytes} bytes");
}
