//! Cached answers: one call for many callers, good for a while, stale only by
//! the rules, never a wrong yes beyond the documented bound.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use figma_payments::sandbox::{Reply, ScriptedServer, Step};
use figma_payments::{
    CacheCounters, Entitlements, EntitlementsBuilder, ErrorKind, PaymentInformation, PaymentQuery,
    PaymentStatus, Resource, RetryPolicy, Source, UserId,
};
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use crate::support::{self, by_token, by_user, paid, payment_token, plugin, user};

/// A Figma that can be told what to answer: a payment status, or a failure.
struct Figma {
    server: ScriptedServer,
    payment_status: Arc<Mutex<&'static str>>,
    failure: Arc<AtomicU16>,
}

const RESET: u16 = 1;

impl Figma {
    async fn start() -> Figma {
        let payment_status = Arc::new(Mutex::new("PAID"));
        let failure = Arc::new(AtomicU16::new(0));
        let says = Arc::clone(&payment_status);
        let fails = Arc::clone(&failure);
        let server = ScriptedServer::start(move |request| {
            let mut body = paid();
            if let Some(user) = request.target.split("user_id=").nth(1) {
                body["meta"]["user_id"] = json!(user.split('&').next());
            }
            body["meta"]["payment_status"] = json!(*says.lock().unwrap());
            match fails.load(Ordering::Relaxed) {
                0 => Reply::json(200, body.to_string()).after(Duration::from_millis(5)),
                RESET => Reply::script([Step::Reset]),
                status => Reply::json(status, ""),
            }
        });
        Figma { server: server.await.unwrap(), payment_status, failure }
    }

    fn says(&self, status: &'static str) {
        *self.payment_status.lock().unwrap() = status;
    }

    /// 0 for no failure.
    fn fails(&self, failure: u16) {
        self.failure.store(failure, Ordering::Relaxed);
    }

    fn requests(&self) -> usize {
        self.server.requests().len()
    }

    fn entitlements(&self) -> EntitlementsBuilder {
        let client = support::builder(&self.server).retry(RetryPolicy::none()).build().unwrap();
        Entitlements::builder(client)
    }
}

/// Moves the clock that answers age by.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn ten_thousand_callers_who_ask_the_same_are_one_call() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().build();
    let ask = |_| entitlements.get(by_user());
    let answers: Vec<_> = stream::iter(0..10_000).map(ask).buffer_unordered(10_000).collect().await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().grants_access()));
    assert_eq!(figma.requests(), 1);
    let CacheCounters { hits, misses, coalesced, .. } = entitlements.counters();
    assert_eq!((hits + misses, hits + coalesced), (10_000, 9_999));
}

#[tokio::test]
async fn ten_thousand_callers_over_a_hundred_users_are_a_hundred_calls() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().build();
    let ask = |n: u64| {
        let query = PaymentQuery::by_user(UserId::from(n % 100), plugin());
        let entitlements = entitlements.clone();
        async move { (n % 100, entitlements.get(query).await.unwrap()) }
    };
    let answers: Vec<_> = stream::iter(0..10_000).map(ask).buffer_unordered(10_000).collect().await;
    assert!(answers.iter().all(|(user, it)| it.payment.user_id == user.to_string()));
    assert_eq!(figma.requests(), 100);
}

#[tokio::test]
async fn an_error_is_shared_by_those_who_waited_and_not_kept() {
    let figma = Figma::start().await;
    figma.fails(500);
    let entitlements = figma.entitlements().build();
    let ask = |_| entitlements.get(by_user());
    let answers: Vec<_> = stream::iter(0..100).map(ask).buffer_unordered(100).collect().await;
    assert!(answers.iter().all(|it| it.as_ref().unwrap_err().kind() == ErrorKind::Server));
    assert_eq!(figma.requests(), 1);
    figma.fails(0);
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Fresh);
    assert_eq!(figma.requests(), 2);
    assert_eq!(entitlements.counters().errors, 1);
}

#[tokio::test]
async fn each_status_is_good_for_its_time() {
    for (status, good_for) in
        [("PAID", 600), ("TRIAL", 120), ("UNPAID", 10), ("NOT_SUPPORTED", 0), ("REFUNDED", 0)]
    {
        let figma = Figma::start().await;
        figma.says(status);
        let entitlements = figma.entitlements().build();
        let first = entitlements.get(by_user()).await.unwrap();
        assert_eq!(first.source, Source::Fresh, "{status}");
        if good_for > 0 {
            let good_for = Duration::from_secs(good_for);
            // In the last tenth it is renewed, and the end is up to a 25th earlier.
            pass(good_for.mul_f64(0.85)).await;
            let cached = entitlements.get(by_user()).await.unwrap();
            assert_eq!(cached.source, Source::Cached, "{status}");
            assert_eq!(cached.checked_at, first.checked_at);
            assert_eq!(figma.requests(), 1, "{status}");
            pass(good_for.mul_f64(0.16)).await;
        }
        assert!(entitlements.get_cached(by_user()).await.is_none(), "{status}");
        assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Fresh, "{status}");
        assert_eq!(figma.requests(), 2, "{status}");
    }
}

/// Asks, lets the answer grow old, and asks again during this failure.
async fn during(
    status: &'static str,
    failure: u16,
    late_by: Duration,
) -> Result<Source, ErrorKind> {
    let figma = Figma::start().await;
    figma.says(status);
    let stale = Duration::from_secs(3600);
    let entitlements = figma.entitlements().stale_if_error(stale).build();
    entitlements.get(by_user()).await.unwrap();
    figma.fails(failure);
    let good_for = if status == "PAID" { 600 } else { 120 };
    pass(Duration::from_secs(good_for) + late_by).await;
    let outcome = entitlements.get(by_user()).await;
    outcome.map(|it| it.source).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_stale_answer_bridges_an_outage_and_nothing_else() {
    let soon = Duration::from_secs(1);
    let late = Duration::from_secs(3600);
    for failure in [500, 502, 503, 429, RESET] {
        for status in ["PAID", "TRIAL"] {
            assert_eq!(during(status, failure, soon).await, Ok(Source::Stale), "{failure}");
            assert!(during(status, failure, late).await.is_err(), "{failure}: out of bounds");
        }
        assert!(during("UNPAID", failure, soon).await.is_err(), "{failure}: unpaid is no yes");
    }
    for (failure, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
    ] {
        assert_eq!(during("PAID", failure, soon).await, Err(kind));
    }
}

#[tokio::test]
async fn without_stale_if_error_an_outage_is_an_error() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().build();
    entitlements.get(by_user()).await.unwrap();
    figma.fails(503);
    assert!(entitlements.get(by_user()).await.is_ok(), "still good");
    pass(Duration::from_secs(601)).await;
    assert_eq!(entitlements.get(by_user()).await.unwrap_err().kind(), ErrorKind::Server);
}

#[tokio::test]
async fn a_refusal_ends_what_could_be_given_stale() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().stale_if_error(Duration::from_secs(3600)).build();
    entitlements.get(by_user()).await.unwrap();
    pass(Duration::from_secs(601)).await;
    figma.fails(503);
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Stale);
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Stale, "again");
    figma.fails(401);
    entitlements.get(by_user()).await.unwrap_err();
    figma.fails(503);
    assert_eq!(entitlements.get(by_user()).await.unwrap_err().kind(), ErrorKind::Server);
    assert_eq!(entitlements.counters().stale, 2);
}

#[tokio::test]
async fn a_refund_shows_when_paid_is_no_longer_good() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().stale_if_error(Duration::from_secs(3600)).build();
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
    figma.says("UNPAID");
    assert!(entitlements.get(by_user()).await.unwrap().grants_access(), "within the bound");
    pass(Duration::from_secs(601)).await;
    assert!(!entitlements.get(by_user()).await.unwrap().grants_access());
    figma.fails(503);
    pass(Duration::from_secs(11)).await;
    assert!(entitlements.get(by_user()).await.is_err(), "the earlier yes does not come back");
}

#[tokio::test]
async fn an_answer_by_token_is_kept_by_user_and_the_token_is_not() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().build();
    assert_eq!(entitlements.get(by_token()).await.unwrap().source, Source::Fresh);
    assert_eq!(entitlements.get(by_token()).await.unwrap().source, Source::Cached);
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
    assert_eq!(figma.requests(), 1);
    assert!(!format!("{entitlements:?}").contains("MARKED"), "{entitlements:?}");

    // The expected resource is part of the question.
    let dear = PaymentQuery::by_token(payment_token(), Resource::plugin("7").unwrap());
    assert_eq!(entitlements.get(dear).await.unwrap_err().kind(), ErrorKind::Mismatch);
    let other = by_token().expecting_user(UserId::from(7));
    assert_eq!(entitlements.get(other).await.unwrap_err().kind(), ErrorKind::Mismatch);
    let other = by_user().expecting_user(UserId::from(7));
    assert!(entitlements.get_cached(other).await.is_none());
}

#[tokio::test]
async fn a_no_counts_also_if_it_answers_another_question() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().build();
    entitlements.get(by_user()).await.unwrap();
    figma.says("UNPAID");
    let other = by_token().expecting_user(UserId::from(7));
    let error = entitlements.get(other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert!(!format!("{error:?}").contains(user().as_str()), "{error:?}");
    assert!(!entitlements.get(by_user()).await.unwrap().grants_access());
}

#[tokio::test]
async fn what_is_newly_known_of_a_user_stands_for_the_token_too() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().stale_if_error(Duration::from_secs(3600)).build();
    assert!(entitlements.get(by_token()).await.unwrap().grants_access());
    figma.says("UNPAID");
    entitlements.get_fresh(by_user()).await.unwrap();
    let refunded = entitlements.get(by_token()).await.unwrap();
    assert!((refunded.source, refunded.grants_access()) == (Source::Cached, false));
    assert_eq!(figma.requests(), 2);
    // The earlier yes comes back neither when that is no longer good nor in an outage.
    pass(Duration::from_secs(11)).await;
    assert!(!entitlements.get(by_token()).await.unwrap().grants_access());
    assert_eq!(figma.requests(), 3);
    figma.fails(503);
    pass(Duration::from_secs(11)).await;
    assert!(entitlements.get(by_token()).await.is_err());
    figma.fails(0);

    let payment: PaymentInformation = serde_json::from_value(paid()["meta"].clone()).unwrap();
    entitlements.prime(payment).await;
    figma.says("PAID");
    assert!(entitlements.get(by_token()).await.unwrap().grants_access());
    let requests = figma.requests();
    assert_eq!(entitlements.get(by_token()).await.unwrap().source, Source::Cached);
    assert_eq!(figma.requests(), requests);
    entitlements.invalidate(&user(), &plugin()).await.unwrap();
    assert!(entitlements.get_cached(by_token()).await.is_none());
    figma.fails(503);
    assert!(entitlements.get(by_token()).await.is_err(), "forgotten is forgotten");
}

#[tokio::test]
async fn what_is_known_can_be_forgotten_put_in_and_passed_over() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().build();
    assert!(entitlements.get_cached(by_user()).await.is_none());
    let payment: PaymentInformation = serde_json::from_value(paid()["meta"].clone()).unwrap();
    entitlements.prime(payment.clone()).await;
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
    assert_eq!(figma.requests(), 0);

    figma.says("UNPAID");
    let fresh = entitlements.get_fresh(by_user()).await.unwrap();
    assert_eq!(fresh.payment.payment_status, PaymentStatus::Unpaid);
    assert!(!entitlements.get(by_user()).await.unwrap().grants_access(), "and is kept");
    assert_eq!(figma.requests(), 1);

    entitlements.invalidate(&user(), &plugin()).await.unwrap();
    assert!(entitlements.get_cached(by_user()).await.is_none());
    figma.fails(500);
    assert!(entitlements.get_fresh(by_user()).await.is_err());

    let mut odd = payment;
    odd.resource_type = "SLIDES".into();
    entitlements.prime(odd).await;
    assert!(entitlements.get_cached(by_user()).await.is_none());
}

#[tokio::test]
async fn memory_is_bounded() {
    let figma = Figma::start().await;
    let entitlements = figma.entitlements().max_entries(10).build();
    for n in 0..200 {
        entitlements.get(PaymentQuery::by_user(UserId::from(n), plugin())).await.unwrap();
    }
    let mut kept = 0;
    for n in 0..200 {
        let query = PaymentQuery::by_user(UserId::from(n), plugin());
        kept += usize::from(entitlements.get_cached(query).await.is_some());
    }
    // The cache tidies up in batches.
    assert!(kept < 150, "{kept} kept");
}
