//! The rate limiter on a simulated clock.

use std::sync::Arc;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use super::*;
use crate::client::times::MINUTE;
use crate::error::ErrorKind;

const SECOND: Duration = Duration::from_secs(1);

fn limiter(per_minute: u32, burst: u32) -> Arc<RateLimiter> {
    let setting = Limit { per_minute, burst: Some(burst) };
    Arc::new(RateLimiter::new(AskedBy::User, setting))
}

fn within(limit: Duration) -> Instant {
    Instant::now() + limit
}

async fn acquire(limiter: &RateLimiter, deadline: Instant) -> Result<Instant, Error> {
    limiter.acquire(WaitPolicy::Deadline, Instant::now(), deadline).await
}

/// Spawns a call that waits for a slot, and returns when it is in the queue.
async fn spawn_waiting(
    limiter: &Arc<RateLimiter>,
    wait: WaitPolicy,
    deadline: Duration,
) -> JoinHandle<Result<Instant, Error>> {
    let limiter = Arc::clone(limiter);
    let now = Instant::now();
    let call = tokio::spawn(async move { limiter.acquire(wait, now, now + deadline).await });
    tokio::task::yield_now().await;
    call
}

/// A 429 to a request that was sent just now.
fn too_many(limiter: &RateLimiter, pause: Option<Duration>) {
    let error = Error::new(ErrorKind::RateLimited, "429");
    limiter.on_too_many_requests(WaitPolicy::Deadline, Instant::now(), &error, pause);
}

fn queue_is_empty(limiter: &RateLimiter) -> bool {
    limiter.local.state().waiters.is_empty()
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100.0).round() / 100.0
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_sent_at_once_and_the_rest_evenly_in_the_order_of_arrival() {
    let limiter = limiter(60, 10);
    let began = Instant::now();
    let mut callers = Vec::new();
    for _ in 0..30 {
        callers.push(spawn_waiting(&limiter, WaitPolicy::Deadline, 100 * SECOND).await);
    }
    for (number, caller) in (0..).zip(callers) {
        let sent = caller.await.unwrap().unwrap() - began;
        assert_eq!(seconds(sent), f64::max(0.0, f64::from(number) - 9.0), "caller {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_time_fills_the_bucket_up_to_the_burst() {
    let limiter = limiter(60, 3);
    for quiet in [SECOND, 600 * SECOND] {
        for _ in 0..3 {
            let _ = acquire(&limiter, within(SECOND)).await;
        }
        advance(quiet).await;
        let mut at_once = 0;
        while acquire(&limiter, within(SECOND)).await.is_ok() {
            at_once += 1;
        }
        assert_eq!(at_once, quiet.as_secs().min(3));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_no_call_waits() {
    let limiter = limiter(0, 1);
    let began = Instant::now();
    for _ in 0..100 {
        acquire(&limiter, within(SECOND)).await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_default_burst_is_the_limit_of_one_minute() {
    let limiter = RateLimiter::new(AskedBy::User, RateLimits::default().by_user(12).by_user);
    for _ in 0..12 {
        acquire(&limiter, within(SECOND)).await.unwrap();
    }
    assert!(acquire(&limiter, within(SECOND)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_leaves_no_gap() {
    let limiter = limiter(60, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    let mut callers = Vec::new();
    for _ in 0..10 {
        callers.push(spawn_waiting(&limiter, WaitPolicy::Deadline, 1000 * SECOND).await);
    }
    advance(SECOND / 2).await;
    callers[..9].iter().for_each(JoinHandle::abort);
    let last = callers.pop().unwrap().await.unwrap().unwrap();
    assert_eq!(seconds(last - began), 1.0);
    assert!(queue_is_empty(&limiter));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_slot_is_after_its_deadline_fails_at_once() {
    let limiter = limiter(6, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    let error = acquire(&limiter, within(9 * SECOND)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(10 * SECOND));
    assert_eq!(
        error.to_string(),
        "no request was sent: your rate limit `by_user` is 6 a minute; the next request is \
         allowed in 10.0 s, a response needs half a second more, and the deadline of this call \
         is in 9.0 s; ask less often, or raise `rate_limits` or `deadline`"
    );
    let waiting = spawn_waiting(&limiter, WaitPolicy::Deadline, 11 * SECOND).await;
    let error = acquire(&limiter, within(15 * SECOND)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(20 * SECOND), "one call is ahead");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(seconds(waiting.await.unwrap().unwrap() - began), 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_all_calls_but_one_probe_a_minute() {
    let limiter = limiter(0, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    too_many(&limiter, Some(Duration::MAX));
    let error = acquire(&limiter, within(12 * SECOND)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(A_YEAR));
    assert!(error.to_string().contains("Figma answered 429 to an earlier request"), "{error}");
    for minute in 1..5 {
        let (one, other) = tokio::join!(
            acquire(&limiter, within(100 * SECOND)),
            acquire(&limiter, within(100 * SECOND))
        );
        let (probe, refused) = if one.is_ok() { (one, other) } else { (other, one) };
        assert_eq!(probe.unwrap() - began, minute * MINUTE);
        assert!(refused.is_err(), "one a minute");
    }
    let probe = acquire(&limiter, within(100 * SECOND)).await.unwrap();
    limiter.on_response(probe);
    acquire(&limiter, within(SECOND)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_newest_429_sets_the_pause_and_an_older_success_does_not_end_it() {
    let limiter = limiter(0, 1);
    let before = acquire(&limiter, within(SECOND)).await.unwrap();
    advance(SECOND).await;
    too_many(&limiter, Some(400_000 * SECOND));
    limiter.on_response(before);
    assert!(acquire(&limiter, within(SECOND)).await.is_err());
    too_many(&limiter, Some(5 * SECOND));
    let began = Instant::now();
    assert!(acquire(&limiter, within(5 * SECOND)).await.is_err(), "no time is left for a response");
    assert_eq!(acquire(&limiter, within(6 * SECOND)).await.unwrap() - began, 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_long_deadline_does_not_delay_the_error_of_one_with_a_short_deadline() {
    let limiter = limiter(60, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    let long = spawn_waiting(&limiter, WaitPolicy::Deadline, A_YEAR).await;
    let short = spawn_waiting(&limiter, WaitPolicy::Deadline, 5 * SECOND).await;
    too_many(&limiter, Some(30 * SECOND));
    assert!(short.await.unwrap().is_err());
    assert!(began.elapsed() < 2 * SECOND);
    assert_eq!(seconds(long.await.unwrap().unwrap() - began), 30.0);
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_calls_before_a_probe_all_but_one_fail_at_once() {
    let limiter = limiter(0, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    too_many(&limiter, Some(400_000 * SECOND));
    advance(50 * SECOND).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let limiter = Arc::clone(&limiter);
        calls.spawn(async move {
            let slot = acquire(&limiter, within(12 * SECOND)).await;
            (slot.is_ok(), began.elapsed())
        });
    }
    let calls = calls.join_all().await;
    let ended = |sent: bool| calls.iter().filter(move |call| call.0 == sent).map(|call| call.1);
    assert_eq!(ended(true).collect::<Vec<_>>(), [MINUTE]);
    assert!(ended(false).all(|at| at == 50 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn calls_that_have_left_the_queue_do_not_count_for_an_estimate() {
    let limiter = limiter(10, 1);
    acquire(&limiter, within(SECOND)).await.unwrap();
    let mut before = Vec::new();
    for _ in 0..5 {
        before.push(spawn_waiting(&limiter, WaitPolicy::Deadline, A_YEAR).await);
    }
    let last = spawn_waiting(&limiter, WaitPolicy::Deadline, 60 * SECOND).await;
    for one in before {
        one.await.unwrap().unwrap();
    }
    too_many(&limiter, Some(7 * SECOND));
    last.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_a_silent_waiter_does_not_use_goes_to_the_next_within_a_second() {
    for wait in [WaitPolicy::Deadline, WaitPolicy::Batch] {
        let limiter = limiter(60, 1);
        let began = acquire(&limiter, within(SECOND)).await.unwrap();
        // Ten futures that are never polled again, as in a runtime that has stopped.
        let mut silent = Vec::new();
        for _ in 0..10 {
            let mut waiting =
                Box::pin(limiter.acquire(wait, Instant::now(), within(1000 * SECOND)));
            assert!(waiting.as_mut().now_or_never().is_none());
            silent.push(waiting);
        }
        let next = spawn_waiting(&limiter, wait, 20 * SECOND).await.await.unwrap().unwrap();
        assert!(seconds(next - began) <= 2.0, "{wait:?}: {:?}", next - began);
        // A waiter that is polled again has kept its number.
        let first = silent.swap_remove(0).await.unwrap();
        assert!(seconds(first - next) <= 1.0, "{wait:?}: {:?}", first - next);
    }
}

#[tokio::test(start_paused = true)]
async fn while_calls_wait_batches_get_one_slot_in_ten() {
    let limiter = limiter(60, 1);
    acquire(&limiter, within(SECOND)).await.unwrap();
    let mut batches = Vec::new();
    for _ in 0..8 {
        batches.push(spawn_waiting(&limiter, WaitPolicy::Batch, SECOND).await);
    }
    let mut callers = Vec::new();
    for _ in 0..20 {
        callers.push(spawn_waiting(&limiter, WaitPolicy::Deadline, 100 * SECOND).await);
    }
    let began = Instant::now();
    let mut slots = Vec::new();
    for caller in callers {
        slots.push((seconds(caller.await.unwrap().unwrap() - began), "caller"));
    }
    for batch in batches {
        slots.push((seconds(batch.await.unwrap().unwrap() - began), "batch"));
    }
    slots.sort_by(|one, other| one.0.total_cmp(&other.0));
    let order: Vec<&str> = slots.iter().map(|(_, who)| &who[..1]).collect();
    assert_eq!(
        order.concat(),
        ["c".repeat(9), "b".into(), "c".repeat(9), "bccbbbbbb".into()].concat()
    );
    assert_eq!(slots.last().unwrap().0, 28.0, "no slot is left out");
}

/// How many requests the limiter allows in the next minute.
async fn allowed_in_a_minute(limiter: &Arc<RateLimiter>) -> u32 {
    let end = Instant::now() + MINUTE;
    let mut allowed = 0;
    loop {
        let slot = limiter.acquire(WaitPolicy::Batch, Instant::now(), end).await.unwrap();
        if slot >= end {
            return allowed;
        }
        limiter.on_response(slot);
        allowed += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn several_429s_to_requests_under_way_together_slow_down_once() {
    let limiter = limiter(60, 60);
    for _ in 0..20 {
        acquire(&limiter, within(SECOND)).await.unwrap();
    }
    let sent = Instant::now();
    advance(SECOND / 10).await;
    for _ in 0..20 {
        let error = Error::new(ErrorKind::RateLimited, "429");
        limiter.on_too_many_requests(WaitPolicy::Deadline, sent, &error, None);
    }
    // 0.8 of 60 in the first minute, and no burst.
    let allowed = allowed_in_a_minute(&limiter).await;
    assert!((47..=49).contains(&allowed), "{allowed}");
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_of_429s_the_limit_is_back_within_five_minutes() {
    let limiter = limiter(300, 300);
    let began = Instant::now();
    let mut sent = 0;
    // An hour in which every request is answered 429.
    while began.elapsed() < 60 * MINUTE {
        acquire(&limiter, within(A_YEAR)).await.unwrap();
        sleep(SECOND / 10).await;
        too_many(&limiter, Some(SECOND));
        sent += 1;
    }
    // Never below a tenth of the setting, which is 30 a minute, minus what the pauses take.
    assert!((900..=1860).contains(&sent), "{sent}");
    sleep(5 * MINUTE).await;
    let began = Instant::now();
    for number in 0..600 {
        acquire(&limiter, within(A_YEAR)).await.unwrap();
        if number == 299 {
            assert_eq!(began.elapsed(), Duration::ZERO, "the burst is back too");
        }
    }
    assert_eq!(seconds(began.elapsed()), 60.0);
}

#[tokio::test(start_paused = true)]
async fn a_429_to_a_batch_without_a_limit_sets_one_for_five_minutes() {
    let limiter = limiter(0, 1);
    let error = Error::new(ErrorKind::RateLimited, "429");
    limiter.on_too_many_requests(WaitPolicy::Batch, Instant::now(), &error, None);
    let allowed = allowed_in_a_minute(&limiter).await;
    assert!((49..=51).contains(&allowed), "{allowed}");
    sleep(4 * MINUTE).await;
    let began = Instant::now();
    for _ in 0..1000 {
        acquire(&limiter, within(SECOND)).await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_error_says_which_limit_holds() {
    let slowed = limiter(60, 1);
    for _ in 0..20 {
        acquire(&slowed, within(A_YEAR)).await.unwrap();
        sleep(SECOND / 10).await;
        too_many(&slowed, None);
    }
    let error = acquire(&slowed, within(SECOND)).await.unwrap_err().to_string();
    let expected = "after a 429 your rate limit `by_user` is 6 instead of 60 a minute";
    assert!(error.contains(expected), "{error}");

    let assumed = limiter(0, 1);
    let error = Error::new(ErrorKind::RateLimited, "429");
    assumed.on_too_many_requests(WaitPolicy::Batch, Instant::now(), &error, None);
    let error = acquire(&assumed, within(SECOND)).await.unwrap_err().to_string();
    let expected = "no rate limit `by_user` is set, so after a 429 the client keeps to 50 a minute";
    assert!(error.contains(expected), "{error}");
}
