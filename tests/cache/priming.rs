//! Answers that are put into memory with the time at which Figma gave them, and how an
//! answer is written out.

use std::time::{Duration, SystemTime};

use figma_payments::sandbox::ScriptedServer;
use figma_payments::{Entitlements, PaymentInformation, PaymentStatus, Source};
use serde_json::json;

use crate::support::{answering, by_token, by_user, client, paid, paid_but, plugin, user};

const HOUR: Duration = Duration::from_secs(3600);

/// Answers of PAID are kept for two hours.
async fn start() -> (ScriptedServer, Entitlements) {
    let server = answering(200, paid()).await;
    let entitlements = Entitlements::builder(client(&server)).paid_ttl(2 * HOUR).build();
    (server, entitlements)
}

fn an_hour_ago() -> SystemTime {
    SystemTime::now() - HOUR
}

fn answer(status: PaymentStatus) -> PaymentInformation {
    PaymentInformation::new(&user(), &plugin(), status)
}

#[tokio::test]
async fn a_primed_answer_has_its_date_and_what_is_left_of_its_time() {
    let (server, entitlements) = start().await;
    let date = an_hour_ago();
    entitlements.prime_at(answer(PaymentStatus::Paid), date).await;
    let primed = entitlements.get(by_user()).await.unwrap();
    assert_eq!((primed.source, primed.checked_at), (Source::Cached, date));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_too_old_already_is_asked_for_again() {
    let (server, entitlements) = start().await;
    entitlements.prime_at(answer(PaymentStatus::Paid), SystemTime::now() - 3 * HOUR).await;
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Fresh);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_date_in_the_future_counts_as_now() {
    let (_server, entitlements) = start().await;
    entitlements.prime_at(answer(PaymentStatus::Paid), SystemTime::now() + 24 * HOUR).await;
    let primed = entitlements.get_cached(by_user()).await.unwrap();
    assert!(primed.checked_at <= SystemTime::now());
}

#[tokio::test]
async fn a_newer_answer_by_user_or_by_token_is_not_replaced() {
    for query in [by_user(), by_token()] {
        let (_server, entitlements) = start().await;
        entitlements.get(&query).await.unwrap();
        entitlements.prime_at(answer(PaymentStatus::Unpaid), an_hour_ago()).await;
        for query in [&by_user(), &query] {
            let known = entitlements.get_cached(query).await.unwrap();
            assert!(known.grants_access(), "{query:?}");
        }
    }
}

/// A refund is never undone by last night's file.
#[tokio::test]
async fn a_denial_that_arrived_after_its_date_stands() {
    for query in [by_user(), by_token()] {
        let unpaid = paid_but("/meta/payment_status", json!("UNPAID"));
        let server = answering(200, unpaid).await;
        let entitlements = Entitlements::new(client(&server));
        entitlements.get(&query).await.unwrap();
        entitlements.prime_at(answer(PaymentStatus::Paid), an_hour_ago()).await;
        for query in [&by_user(), &query] {
            let known = entitlements.get(query).await.unwrap();
            assert!(!known.grants_access(), "{query:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_from_before_it_was_invalidated_is_not_kept() {
    for query in [by_user(), by_token()] {
        let (_server, entitlements) = start().await;
        entitlements.get(&query).await.unwrap();
        let before = SystemTime::now();
        entitlements.invalidate(&user(), &plugin()).await.unwrap();
        entitlements.prime_at(answer(PaymentStatus::Paid), before).await;
        assert!(entitlements.get_cached(by_user()).await.is_none());
        assert!(entitlements.get_cached(&query).await.is_none());

        entitlements.prime_at(answer(PaymentStatus::Paid), SystemTime::now()).await;
        assert!(entitlements.get_cached(by_user()).await.is_some());
        assert!(entitlements.get_cached(&query).await.is_some());
    }
}

#[tokio::test]
async fn an_entitlement_is_written_with_its_source_and_date() {
    let (_server, entitlements) = start().await;
    let fresh = entitlements.get(by_user()).await.unwrap();
    let cached = entitlements.get(by_user()).await.unwrap();
    for (entitlement, source) in [(&fresh, "fresh"), (&cached, "cached")] {
        let seconds = entitlement.checked_at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let expected = json!({
            "payment": paid()["meta"],
            "source": source,
            "checked_at": seconds.as_secs_f64(),
        });
        assert_eq!(serde_json::to_value(entitlement).unwrap(), expected);
    }
    for (source, name) in
        [(Source::Fresh, "fresh"), (Source::Cached, "cached"), (Source::Stale, "stale")]
    {
        assert_eq!((source.as_str(), &*source.to_string()), (name, name));
    }
}
