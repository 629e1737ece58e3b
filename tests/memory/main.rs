//! Memory under many questions. Small here; `cargo xtask deep` asks a million.
//! A test program of its own: it measures the memory of its process.
#![cfg(feature = "sandbox")]

#[path = "../support/mod.rs"]
mod support;

use std::pin::pin;

use figma_payments::sandbox::{FigmaLimits, Sandbox};
use figma_payments::{Client, PaymentQuery, PaymentStatus, UserId};
use futures_util::{StreamExt, stream};

/// The most memory that this process ever had, in KiB; 0 where there is no `/proc`.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_questions() {
    let (few, many) = match std::env::var_os("FIGMA_PAYMENTS_DEEP") {
        Some(_) => (10_000, 1_000_000),
        None => (1_000, 5_000),
    };
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    let buyer = UserId::from(7);
    sandbox.set_purchase(&buyer, &support::plugin(), PaymentStatus::Paid, None);
    let client =
        Client::builder(sandbox.access_token()).base_url(sandbox.base_url()).build().unwrap();
    let ask = async |users: u64| {
        let query = |user: u64| PaymentQuery::by_user(user.into(), support::plugin());
        let mut answers = pin!(client.get_payments_all(stream::iter(0..users).map(query)));
        let mut answered = 0;
        let mut paid = 0;
        while let Some((_, outcome)) = answers.next().await {
            answered += 1;
            if u64::is_multiple_of(answered, 500) {
                sandbox.clear_requests(); // the sandbox's memory is not in question
            }
            paid += u64::from(outcome.unwrap().grants_access());
        }
        assert_eq!((answered, paid), (users, 1));
        peak()
    };
    let before = ask(few).await;
    let after = ask(many).await;
    println!("{few} questions: {before} KiB at most; {many} more: {after} KiB");
    assert!(after - before < 16 * 1024, "{before} KiB, then {after} KiB");
}
