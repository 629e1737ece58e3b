//! `get_admitted`: who may ask Figma, and how long a permit is kept.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use figma_payments::sandbox::{Calls, Fault, Gate, Purchase, Reply, Sandbox, ScriptedServer};
use figma_payments::{Client, Entitlements, PaymentQuery, RetryPolicy, Source, UserId};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::support::{answering, by_user, client, paid, plugin, user};

/// A server that answers PAID when the gate is open.
async fn held(gate: &Gate) -> ScriptedServer {
    let gate = gate.clone();
    let reply = move |_: &_| Reply::json(200, paid().to_string()).behind(&gate);
    ScriptedServer::start(reply).await.unwrap()
}

#[tokio::test]
async fn only_a_call_that_asks_figma_needs_a_permit() {
    let server = answering(200, paid()).await;
    let entitlements = Entitlements::new(client(&server));
    let admitted = AtomicUsize::new(0);
    let admit = || {
        admitted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, ()>(())
    };
    let all = (0..100).map(|_| entitlements.get_admitted(by_user(), admit));
    for outcome in join_all(all).await {
        assert!(outcome.unwrap().unwrap().grants_access());
    }
    let cached = entitlements.get_admitted(by_user(), admit).await.unwrap().unwrap();
    assert_eq!(cached.source, Source::Cached);
    assert_eq!((admitted.load(Ordering::Relaxed), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_call_that_is_not_admitted_asks_nothing() {
    let server = answering(200, paid()).await;
    let entitlements = Entitlements::new(client(&server));
    let refused = entitlements.get_admitted(by_user(), || Err::<(), _>("full")).await;
    assert_eq!(refused.unwrap_err(), "full");
    assert_eq!(server.requests().len(), 0);
    assert_eq!(entitlements.counters().misses, 0);
    let answered = entitlements.get(by_user()).await.unwrap();
    assert_eq!((answered.source, server.requests().len()), (Source::Fresh, 1));
}

/// The first call is asked for its permit while others wait for its question.
#[tokio::test]
async fn a_call_that_waits_asks_for_a_permit_of_its_own_if_the_first_gets_none() {
    let server = answering(200, paid()).await;
    let entitlements = Entitlements::new(client(&server));
    let waiting = RefCell::new(Box::pin(entitlements.get(by_user())));
    let refuse = || {
        let waits = waiting.borrow_mut().as_mut().now_or_never().is_none();
        assert!(waits, "for the first call's question");
        Err::<(), _>("full")
    };
    let refused = entitlements.get_admitted(by_user(), refuse).await;
    assert_eq!(refused.unwrap_err(), "full");
    assert!(waiting.into_inner().await.unwrap().grants_access());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_permit_is_kept_until_the_question_has_ended() {
    let gate = Gate::new();
    let server = held(&gate).await;
    let entitlements = Entitlements::new(client(&server));
    let places = Arc::new(Semaphore::new(1));
    let admit = || Arc::clone(&places).try_acquire_owned();
    let mut leaves = Box::pin(entitlements.get_admitted(by_user(), admit));
    assert!(leaves.as_mut().now_or_never().is_none());
    server.arrived(1).await;
    drop(leaves);
    assert_eq!(places.available_permits(), 0, "the question goes on");
    gate.open();
    let freed = tokio::time::timeout(Duration::from_secs(5), places.acquire()).await;
    drop(freed.expect("the question has ended").unwrap());
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_look_and_the_call_that_follows_are_one_miss() {
    let server = answering(200, paid()).await;
    let entitlements = Entitlements::new(client(&server));
    assert!(entitlements.get_cached(by_user()).await.is_none());
    entitlements.get(by_user()).await.unwrap();
    assert!(entitlements.get_cached(by_user()).await.is_some());
    let counters = entitlements.counters();
    assert_eq!((counters.misses, counters.hits), (1, 1));
}

/// In an outage each question takes long, so that soon no more are admitted.
#[tokio::test]
async fn in_an_outage_a_call_that_is_not_admitted_gets_the_stale_answer() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.set(Purchase::paid(&user(), &plugin(), "2024-06-15T14:30:00Z"));
    let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
    let client = client.retry(RetryPolicy::none()).build().unwrap();
    let entitlements = Entitlements::builder(client)
        .paid_ttl(Duration::from_millis(1))
        .stale_if_error(Duration::from_secs(3600))
        .build();
    let refuse = || Err::<(), _>("full");
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
    tokio::time::sleep(Duration::from_millis(5)).await;

    let refused = entitlements.get_admitted(by_user(), refuse).await;
    assert_eq!(refused.unwrap_err(), "full", "no outage is known");
    sandbox.inject(Fault::Status(503), Calls::All);
    let other = PaymentQuery::by_user(UserId::from(1), plugin());
    assert!(entitlements.get(&other).await.is_err());
    let stale = entitlements.get_admitted(by_user(), refuse).await.unwrap().unwrap();
    assert_eq!((stale.source, stale.grants_access()), (Source::Stale, true));
    let refused = entitlements.get_admitted(&other, refuse).await;
    assert_eq!(refused.unwrap_err(), "full", "nothing is known about this user");

    // Nobody asks for a while: then nothing is known of an outage.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(12)).await;
    let refused = entitlements.get_admitted(by_user(), refuse).await;
    assert_eq!(refused.unwrap_err(), "full", "the outage may be over");
    tokio::time::resume();
    assert!(entitlements.get(&other).await.is_err());
    assert!(entitlements.get_admitted(by_user(), refuse).await.is_ok());

    sandbox.clear_faults();
    assert!(!entitlements.get(&other).await.unwrap().grants_access());
    let refused = entitlements.get_admitted(by_user(), refuse).await;
    assert_eq!(refused.unwrap_err(), "full", "the outage is over");
}

/// The thread is blocked, so that the heartbeat of the first call's question stops.
#[tokio::test]
async fn a_call_that_may_not_take_over_ends_nobody_elses_wait() {
    let gate = Gate::new();
    let server = held(&gate).await;
    let entitlements = Entitlements::new(client(&server));
    let first = {
        let entitlements = entitlements.clone();
        tokio::spawn(async move { entitlements.get(by_user()).await })
    };
    server.arrived(1).await;
    let refuse = || Err::<(), _>("full");
    let mut waiting: Vec<_> =
        (0..5).map(|_| Box::pin(entitlements.get_admitted(by_user(), refuse))).collect();
    for waiting in &mut waiting {
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    std::thread::sleep(Duration::from_millis(1200));
    // They are polled before the first call is.
    let opens = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        gate.open();
    };
    let (outcomes, ()) = tokio::join!(join_all(waiting), opens);
    assert!(first.await.unwrap().unwrap().grants_access());
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(refused, 1, "the others only waited");
    assert_eq!(server.requests().len(), 1);
}
