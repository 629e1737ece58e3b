//! What a 429 means for all clones, and a rate limit that is set, on a real socket.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use figma_payments::sandbox::{Figma, FigmaLimits, Reply, Request, Sandbox, ScriptedServer};
use figma_payments::{
    Client, ErrorKind, PaymentQuery, PaymentStatus, RateLimits, Resource, RetryPolicy, UserId,
};
use futures_util::{StreamExt, stream};

use crate::support::{answering, builder, by_token, by_user, paid};

fn too_many(seconds: &str) -> Reply {
    Reply::json(429, "{}").header("retry-after", seconds).header("x-figma-rate-limit-type", "low")
}

/// Refuses the first request and answers all others.
async fn refusing_once(refusal: impl Fn() -> Reply + Send + Sync + 'static) -> ScriptedServer {
    let first = AtomicBool::new(true);
    let server = ScriptedServer::start(move |_| match first.swap(false, Ordering::Relaxed) {
        true => refusal(),
        false => Reply::json(200, paid().to_string()),
    });
    server.await.unwrap()
}

#[tokio::test]
async fn a_429_pauses_all_clones_for_its_way_of_asking() {
    let server = refusing_once(|| too_many("396749")).await;
    let client = builder(&server).build().unwrap();
    let clone = client.clone();
    assert_eq!(client.get_payments(by_user()).await.unwrap_err().attempts(), 1);

    let error = clone.get_payments(by_user()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!((error.attempts(), error.status()), (0, None), "{error}");
    assert_eq!(error.retry_after().unwrap().as_secs().div_ceil(60), 396749_u64.div_ceil(60));
    assert_eq!(error.rate_limit().unwrap().limit_type.as_deref(), Some("low"));
    assert_eq!(server.requests().len(), 1, "nothing was sent");

    clone.get_payments(by_token()).await.unwrap();
    assert_eq!(server.requests().len(), 2, "the other way is free");
}

#[tokio::test]
async fn a_429_that_says_nothing_pauses_nobody() {
    let server = refusing_once(|| Reply::json(429, "{}")).await;
    let client = builder(&server).build().unwrap();
    client.get_payments(by_user()).await.unwrap_err();
    client.get_payments(by_user()).await.unwrap();
}

#[tokio::test]
async fn who_has_time_waits_until_the_pause_is_over() {
    let server = refusing_once(|| too_many("1")).await;
    let client = builder(&server).retry(RetryPolicy::none()).build().unwrap();
    client.get_payments(by_user()).await.unwrap_err();
    let began = Instant::now();
    client.get_payments(by_user()).await.unwrap();
    assert!(began.elapsed() > Duration::from_millis(900));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_rate_limit_spaces_requests_and_refuses_who_would_wait_too_long() {
    let server = answering(200, paid()).await;
    let limits = RateLimits::default().by_user(300).by_user_burst(1);
    let client =
        builder(&server).rate_limits(limits).deadline(Duration::from_secs(2)).build().unwrap();
    let began = Instant::now();
    let calls = (0..20).map(|_| client.get_payments(by_user()));
    let outcomes = futures_util::future::join_all(calls).await;
    // One at once, one each 200 ms, half a second before the deadline for the answer.
    let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!((6..=8).contains(&answered), "{answered}");
    assert_eq!(server.requests().len(), answered);
    assert!(began.elapsed() >= Duration::from_millis(200) * (answered as u32 - 1));
    let refused = outcomes.into_iter().find_map(Result::err).unwrap();
    assert_eq!((refused.kind(), refused.attempts()), (ErrorKind::RateLimited, 0));
    assert!(refused.to_string().contains("your rate limit `by_user` is 300 a minute"), "{refused}");
}

#[tokio::test]
async fn many_questions_are_each_answered_once_whatever_limits_they_meet() {
    let asked = AtomicU32::new(0);
    let limited = move |_: &Figma, _: &Request| {
        [100, 500].contains(&asked.fetch_add(1, Ordering::Relaxed)).then(|| too_many("1"))
    };
    let sandbox = Sandbox::start_at(([127, 0, 0, 1], 0).into(), limited).await.unwrap();
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    let plugin = Resource::plugin("42").unwrap();
    for user in (0..1000).step_by(2) {
        sandbox.set_purchase(&UserId::from(user), &plugin, PaymentStatus::Paid, None);
    }
    let limits = RateLimits::default().by_user(60_000);
    let client = Client::builder(sandbox.access_token())
        .base_url(sandbox.base_url())
        .rate_limits(limits)
        .build()
        .unwrap();
    let query = |user: u64| PaymentQuery::by_user(user.into(), plugin.clone());
    let mut answers = pin!(client.get_payments_all(stream::iter(0..1000).map(query)));
    let mut answered = Vec::new();
    while let Some((query, outcome)) = answers.next().await {
        let payment = outcome.unwrap();
        let user: u64 = payment.user_id.parse().unwrap();
        assert_eq!(query.user(), Some(&UserId::from(user)));
        assert_eq!(payment.grants_access(), user.is_multiple_of(2));
        answered.push(user);
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..1000).collect::<Vec<_>>());
    let counters = client.counters();
    assert_eq!(counters.rate_limited, 2);
    assert_eq!((counters.calls, counters.retries), (1000, 2));
    assert_eq!(sandbox.requests().len(), 1002);
}

#[tokio::test]
async fn a_batch_whose_answers_are_taken_slowly_loses_none() {
    let server = answering(200, paid()).await;
    let timeout = Duration::from_millis(500);
    let deadline = Duration::from_millis(800);
    let client = builder(&server).timeout(timeout).deadline(deadline).build().unwrap();
    let mut answers =
        pin!(client.get_payments_all(stream::iter([by_user(), by_user(), by_user()])));
    while let Some((_, outcome)) = answers.next().await {
        outcome.unwrap();
        tokio::time::sleep(2 * timeout).await;
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_batch_leaves_slots_to_others_even_if_nobody_takes_its_answers() {
    let server = answering(200, paid()).await;
    let limits = RateLimits::default().by_user(300).by_user_burst(1);
    let client =
        builder(&server).rate_limits(limits).deadline(Duration::from_secs(2)).build().unwrap();
    let mut answers = pin!(client.get_payments_all(stream::iter(vec![by_user(); 100])));
    answers.next().await.unwrap().1.unwrap();
    let began = Instant::now();
    client.get_payments(by_user()).await.unwrap();
    client.get_payments(by_user()).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(1500), "two or three slots, not eight");
}

#[tokio::test]
async fn a_probe_by_user_that_is_refused_for_another_reason_ends_the_pause() {
    let number = AtomicU32::new(0);
    let server = ScriptedServer::start(move |_| match number.fetch_add(1, Ordering::Relaxed) {
        0 => too_many("1"),
        1 => Reply::json(401, "{}"),
        _ => Reply::json(200, paid().to_string()),
    });
    let server = server.await.unwrap();
    let client = builder(&server).retry(RetryPolicy::none()).build().unwrap();
    for kind in [ErrorKind::RateLimited, ErrorKind::Unauthorized] {
        assert_eq!(client.get_payments(by_user()).await.unwrap_err().kind(), kind);
    }
    client.get_payments(by_user()).await.unwrap();
}

#[tokio::test]
async fn a_retry_without_a_slot_tells_why_the_first_attempt_failed() {
    let server = answering(500, "").await;
    let limits = RateLimits::default().by_user(6).by_user_burst(1);
    let client = builder(&server).rate_limits(limits).deadline(Duration::from_secs(2));
    let error = client.build().unwrap().get_payments(by_user()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Server, 1));
}

#[tokio::test]
async fn ten_buyers_at_once_are_answered_at_once_though_the_limit_is_twelve_a_minute() {
    let server = answering(200, paid()).await;
    let client = builder(&server).rate_limits(RateLimits::default().by_user(12)).build().unwrap();
    let calls = (0..10).map(|_| client.get_payments(by_user()));
    let outcomes = futures_util::future::join_all(calls).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(server.requests().len(), 10);
}

/// Asks on a runtime of its own, and then drives that no more.
fn ask_and_stop_driving(client: &Client) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = client.clone();
    runtime.block_on(async move {
        tokio::spawn(async move { client.get_payments(by_user()).await });
        tokio::task::yield_now().await;
    });
    runtime
}

#[tokio::test]
async fn a_runtime_that_nobody_drives_keeps_no_slot_from_others() {
    let server = answering(200, paid()).await;
    let limits = RateLimits::default().by_user(60).by_user_burst(1);
    let client =
        builder(&server).rate_limits(limits).deadline(Duration::from_secs(4)).build().unwrap();
    client.get_payments(by_user()).await.unwrap();
    let other = client.clone();
    let silent = std::thread::spawn(move || ask_and_stop_driving(&other)).join().unwrap();
    client.get_payments(by_user()).await.unwrap();
    client.get_payments(by_user()).await.unwrap();
    silent.shutdown_background();
}
