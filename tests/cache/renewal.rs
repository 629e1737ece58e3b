//! A PAID near its end is asked for again in the background, and the answers of many users do
//! not end at once. Answers are primed with an age, so no clock has to be moved.

use std::time::{Duration, SystemTime};

use figma_payments::sandbox::{Gate, Reply, ScriptedServer};
use figma_payments::{
    Client, Entitlements, PaymentInformation, PaymentQuery, PaymentStatus, RateLimits, Source,
    UserId,
};
use serde_json::json;

use crate::support::{access_token, answering, by_token, by_user, paid, paid_but, plugin, user};

/// How long PAID is kept by default.
const PAID_FOR: Duration = Duration::from_secs(600);

fn ago(age: Duration) -> SystemTime {
    SystemTime::now() - age
}

fn payment(user: &UserId, status: PaymentStatus) -> PaymentInformation {
    PaymentInformation::new(user, &plugin(), status)
}

fn limited(server: &ScriptedServer, limits: RateLimits) -> Client {
    let client = Client::builder(access_token()).base_url(server.base_url());
    client.rate_limits(limits).build().unwrap()
}

async fn all_requests_are_here(server: &ScriptedServer, number: usize) {
    server.arrived(number).await;
    // Others would be under way by now.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.requests().len(), number);
}

#[tokio::test]
async fn a_paid_near_its_end_is_renewed_by_one_caller_while_all_get_it() {
    let gate = Gate::new();
    let behind = gate.clone();
    let server =
        ScriptedServer::start(move |_| Reply::json(200, paid().to_string()).behind(&behind));
    let server = server.await.unwrap();
    let entitlements = Entitlements::new(limited(&server, RateLimits::default()));
    entitlements.prime_at(payment(&user(), PaymentStatus::Paid), ago(PAID_FOR.mul_f64(0.94))).await;
    for _ in 0..100 {
        let answer = entitlements.get(by_user()).await.unwrap();
        assert_eq!(answer.source, Source::Cached, "nobody waits");
    }
    all_requests_are_here(&server, 1).await;
    gate.open();
    while entitlements.get(by_user()).await.unwrap().checked_at < ago(PAID_FOR / 2) {
        tokio::task::yield_now().await;
    }
    assert_eq!((entitlements.counters().renewals, server.requests().len()), (1, 1));
    assert_eq!(entitlements.counters().misses, 0);
}

#[tokio::test]
async fn only_paid_by_user_and_only_near_its_end_is_renewed() {
    let server = answering(200, paid()).await;
    let client = limited(&server, RateLimits::default());
    for (status, age, query) in [
        (PaymentStatus::Paid, PAID_FOR.mul_f64(0.80), by_user()),
        (PaymentStatus::Trial, Duration::from_secs(113), by_user()),
        (PaymentStatus::Unpaid, Duration::from_millis(9_400), by_user()),
    ] {
        let entitlements = Entitlements::new(client.clone());
        entitlements.prime_at(payment(&user(), status), ago(age)).await;
        assert_eq!(entitlements.get(query).await.unwrap().source, Source::Cached);
        all_requests_are_here(&server, 0).await;
    }
    // A payment token may be usable once.
    let entitlements = Entitlements::builder(client).paid_ttl(2 * PAID_FOR).build();
    entitlements.get(by_token()).await.unwrap();
    entitlements.invalidate(&user(), &plugin()).await.unwrap();
    let nearly = ago(PAID_FOR.mul_f64(1.88));
    entitlements.prime_at(payment(&user(), PaymentStatus::Paid), nearly).await;
    entitlements.get_cached(by_token()).await;
    all_requests_are_here(&server, 1).await;
}

#[tokio::test]
async fn a_renewal_takes_no_slot_from_anybody_and_is_no_call_if_there_is_none() {
    let server = answering(200, paid()).await;
    let client = limited(&server, RateLimits::default().by_user(1).by_user_burst(1));
    let entitlements = Entitlements::new(client.clone());
    client.get_payments(by_user()).await.unwrap();
    entitlements.prime_at(payment(&user(), PaymentStatus::Paid), ago(PAID_FOR.mul_f64(0.94))).await;
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
    all_requests_are_here(&server, 1).await;
    let calls = client.counters().calls;
    assert_eq!((calls, entitlements.counters().renewals), (1, 0), "nothing was refused either");
}

#[tokio::test]
async fn a_refusal_that_a_renewal_meets_ends_the_answer() {
    let refused = paid_but("/meta/payment_status", json!("UNPAID"));
    let server = answering(200, refused).await;
    let entitlements = Entitlements::new(limited(&server, RateLimits::default()));
    entitlements.prime_at(payment(&user(), PaymentStatus::Paid), ago(PAID_FOR.mul_f64(0.94))).await;
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
    while entitlements.get(by_user()).await.unwrap().grants_access() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_answers_of_a_thousand_users_do_not_end_at_once() {
    let server = answering(200, paid()).await;
    let client = limited(&server, RateLimits::default());
    let users: Vec<UserId> = (0..1_000).map(UserId::from).collect();
    let mut left = Vec::new();
    for part in [0.955, 0.965, 0.975, 0.985, 0.995, 1.0] {
        let entitlements = Entitlements::new(client.clone());
        let date = ago(PAID_FOR.mul_f64(part));
        for user in &users {
            entitlements.prime_at(payment(user, PaymentStatus::Paid), date).await;
        }
        let mut kept = 0;
        for user in &users {
            let query = PaymentQuery::by_user(user.clone(), plugin());
            kept += u32::from(entitlements.get_cached(query).await.is_some());
        }
        left.push(kept);
    }
    println!("left: {left:?}");
    assert_eq!((left[0], left[5]), (1_000, 0), "none is kept beyond its time");
    // In each hundredth of the time about as many end.
    for (kept, expected) in left[1..5].iter().zip([875, 625, 375, 125]) {
        assert!(kept.abs_diff(expected) < 60, "{left:?}");
    }
}
