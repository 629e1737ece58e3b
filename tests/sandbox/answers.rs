//! `sandbox::client`: unit tests without HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use figma_payments::sandbox;
use figma_payments::{
    AskedBy, Client, Entitlements, ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus,
    RateLimits, Resource, RetryPolicy, Source,
};
use tokio::time::{Duration, Instant, sleep};

use crate::support::{access_token, by_token, by_user, plugin, user};

fn payment(status: PaymentStatus) -> PaymentInformation {
    PaymentInformation::new(&user(), &plugin(), status)
}

#[tokio::test]
async fn a_closure_answers_in_both_ways_of_asking() {
    let client = sandbox::client(|query| {
        Ok(payment(match query.asked_by() == AskedBy::Token {
            true => PaymentStatus::Paid,
            false => PaymentStatus::Unpaid,
        }))
    });
    assert!(client.get_payments(by_token()).await.unwrap().grants_access());
    assert!(!client.get_payments(by_user()).await.unwrap().grants_access());
    assert_eq!(client.counters().calls, 2);
}

#[tokio::test]
async fn its_answer_is_verified_as_figmas_is() {
    let client = sandbox::client(|_| Ok(payment(PaymentStatus::Paid)));
    let other = PaymentQuery::by_user(user(), Resource::plugin("42").unwrap());
    let error = client.get_payments(other).await.unwrap_err();
    assert_eq!((error.kind(), error.suggested_status()), (ErrorKind::Mismatch, 403));
}

#[tokio::test]
async fn each_kind_of_error_can_be_tried() {
    use ErrorKind::*;
    for (kind, status, suggested) in [
        (BadRequest, Some(400), 400),
        (Unauthorized, Some(401), 401),
        (Forbidden, Some(403), 503),
        (NotFound, Some(404), 503),
        (RateLimited, Some(429), 503),
        (Server, Some(503), 503),
        (Timeout, None, 503),
        (Connect, None, 503),
        (InvalidResponse, None, 503),
        (Mismatch, None, 403),
    ] {
        let client = sandbox::client(move |_| Err(kind));
        let error = client.get_payments(by_token()).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, status));
        assert_eq!((error.suggested_status(), error.attempts()), (suggested, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_with_settings_waits_and_retries_as_they_say() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attempts);
    let builder = Client::builder(access_token())
        .base_url("not used")
        .rate_limits(RateLimits::default().by_user(60).by_user_burst(1))
        .retry(RetryPolicy::default().max_attempts(2).random(|| 0.0));
    let client = sandbox::client_from(builder, move |_| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            sleep(Duration::from_millis(300)).await;
            if is_first { Err(ErrorKind::Server) } else { Ok(payment(PaymentStatus::Paid)) }
        }
    });
    let began = Instant::now();
    assert!(client.unwrap().get_payments(by_user()).await.unwrap().grants_access());
    let took = began.elapsed().as_millis();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    assert!((1300..1310).contains(&took), "{took} ms: the slot of the retry comes after 1 s");
}

#[tokio::test]
async fn wrong_settings_make_no_client() {
    let builder = Client::builder(access_token()).deadline(Duration::ZERO);
    let error = sandbox::client_from(builder, async |_| Err(ErrorKind::Server)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[cfg(feature = "cache")]
#[tokio::test]
async fn an_entitlements_over_it_remembers() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let entitlements = Entitlements::new(sandbox::client(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(payment(PaymentStatus::Paid))
    }));
    for source in [Source::Fresh, Source::Cached] {
        assert_eq!(entitlements.get(by_user()).await.unwrap().source, source);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
