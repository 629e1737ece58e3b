//! Questions that overtake each other, callers that leave, and what is forgotten
//! while an answer is on its way: what is older never takes the place of what is
//! newer.
#![cfg(all(feature = "cache", feature = "sandbox"))]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{builder, by_token, by_user, paid, plugin, user};
use figma_payments::sandbox::{Reply, ScriptedServer, Step};
use figma_payments::{
    Entitlement, Entitlements, Error, ErrorKind, PaymentQuery, PaymentStatus, RetryPolicy, Source,
    UserId,
};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const SHORT: Duration = Duration::from_millis(100);

/// A status and what it says of the payment, at once or later.
type Answer = (u16, &'static str, Duration);

const AT_ONCE: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_millis(500);

/// Answers each request with the next of these, and then with the last.
async fn answering(answers: &'static [Answer]) -> ScriptedServer {
    let asked = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |_| {
        let number = asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        let (status, says, delay) = answers[number];
        let mut body = paid();
        body["meta"]["payment_status"] = json!(says);
        Reply::json(status, body.to_string()).after(delay)
    });
    server.await.unwrap()
}

/// Gives stale answers for an hour.
fn entitlements(server: &ScriptedServer) -> Entitlements {
    let client = builder(server).retry(RetryPolicy::none()).build().unwrap();
    Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build()
}

/// Asks, and returns when the question is on its way.
async fn on_its_way(
    entitlements: &Entitlements,
    query: PaymentQuery,
) -> JoinHandle<Result<Entitlement, Error>> {
    let entitlements = entitlements.clone();
    let asked = tokio::spawn(async move { entitlements.get(query).await });
    sleep(SHORT).await;
    asked
}

async fn ten_minutes_pass() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(601)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_refund_stands_against_an_answer_from_before() {
    let server =
        answering(&[(200, "PAID", LATER), (200, "UNPAID", AT_ONCE), (503, "", AT_ONCE)]).await;
    let entitlements = entitlements(&server);
    let older = on_its_way(&entitlements, by_user()).await;
    assert!(!entitlements.get_fresh(by_user()).await.unwrap().grants_access());
    assert!(!older.await.unwrap().unwrap().grants_access(), "who asked before is told too");
    let now = entitlements.get(by_user()).await.unwrap();
    assert_eq!((now.source, now.grants_access()), (Source::Cached, false));
    ten_minutes_pass().await;
    assert!(entitlements.get(by_user()).await.is_err(), "the older yes does not bridge an outage");
}

#[tokio::test]
async fn a_refusal_stands_against_an_answer_from_before() {
    let server = answering(&[(200, "PAID", LATER), (403, "", AT_ONCE), (503, "", AT_ONCE)]).await;
    let entitlements = entitlements(&server);
    let older = on_its_way(&entitlements, by_user()).await;
    entitlements.get_fresh(by_user()).await.unwrap_err();
    older.await.unwrap().unwrap();
    assert!(entitlements.get(by_user()).await.is_err());
}

#[tokio::test]
async fn what_is_forgotten_is_not_brought_back_by_an_answer_on_its_way() {
    for query in [by_user(), by_token()] {
        let server = answering(&[(200, "PAID", LATER), (503, "", AT_ONCE)]).await;
        let entitlements = entitlements(&server);
        let older = on_its_way(&entitlements, query.clone()).await;
        entitlements.invalidate(&user(), &plugin()).await;
        older.await.unwrap().unwrap();
        assert!(entitlements.get_cached(&query).await.is_none());
        ten_minutes_pass().await;
        assert!(entitlements.get(&query).await.is_err());
    }
}

#[tokio::test]
async fn who_has_bought_and_is_forgotten_does_not_join_a_question_from_before() {
    let server = answering(&[(200, "UNPAID", LATER), (200, "PAID", AT_ONCE)]).await;
    let entitlements = entitlements(&server);
    let older = on_its_way(&entitlements, by_user()).await;
    entitlements.invalidate(&user(), &plugin()).await;
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
    older.await.unwrap().unwrap();
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
}

#[tokio::test]
async fn an_outage_met_by_get_fresh_ends_no_good_answer() {
    let server = answering(&[(200, "PAID", AT_ONCE), (503, "", AT_ONCE)]).await;
    let entitlements = entitlements(&server);
    entitlements.get(by_user()).await.unwrap();
    entitlements.get_fresh(by_user()).await.unwrap_err();
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
}

#[tokio::test]
async fn a_retry_that_is_refused_is_not_bridged() {
    let server = answering(&[
        (200, "PAID", AT_ONCE),
        (500, "", AT_ONCE),
        (401, "", AT_ONCE),
        (503, "", AT_ONCE),
    ]);
    let server = server.await;
    let client = builder(&server).build().unwrap();
    let entitlements =
        Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build();
    entitlements.get(by_token()).await.unwrap();
    ten_minutes_pass().await;
    assert_eq!(entitlements.get(by_token()).await.unwrap_err().kind(), ErrorKind::Server);
    assert!(entitlements.get(by_token()).await.is_err(), "and ends what could be given stale");
}

#[tokio::test]
async fn a_question_that_contradicts_itself_harms_nobody() {
    let server = answering(&[(200, "PAID", LATER), (503, "", AT_ONCE)]).await;
    let entitlements = entitlements(&server);
    let buyer = on_its_way(&entitlements, by_user()).await;
    let other = by_user().expecting_user(UserId::from(7));
    for _ in 0..2 {
        let refused = entitlements.get(&other).await.unwrap_err();
        assert_eq!((refused.kind(), refused.attempts()), (ErrorKind::Mismatch, 0));
        assert!(entitlements.get_fresh(&other).await.is_err());
    }
    assert!(buyer.await.unwrap().unwrap().grants_access());
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_leave_do_not_ask_again_and_keep_nobody_waiting() {
    let server = ScriptedServer::start(|_| Reply::script([Step::Hang])).await.unwrap();
    let client = builder(&server).retry(RetryPolicy::none()).timeout(Duration::from_secs(2));
    let entitlements = Entitlements::new(client.build().unwrap());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..600 {
        let entitlements = entitlements.clone();
        callers.spawn(async move {
            let asked = entitlements.get(by_user());
            tokio::time::timeout(Duration::from_millis(300), asked).await.is_err()
        });
    }
    let patient = tokio::spawn(async move { entitlements.get(by_user()).await });
    assert!(callers.join_all().await.into_iter().all(|left| left));
    assert_eq!(patient.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_newer_purchase_is_told_to_who_asked_before() {
    let server = answering(&[(200, "UNPAID", LATER)]).await;
    let entitlements = entitlements(&server);
    let older = on_its_way(&entitlements, by_user()).await;
    let payment = serde_json::from_value(paid()["meta"].clone()).unwrap();
    entitlements.prime(payment).await;
    let told = older.await.unwrap().unwrap();
    assert_eq!(told.payment.payment_status, PaymentStatus::Paid);
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
}
