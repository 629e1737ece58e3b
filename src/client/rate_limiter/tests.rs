//! The rate limiter on a simulated clock.

use std::sync::Arc;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use super::*;

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

/// Asks in a task of its own, and returns when it waits.
async fn waits(
    limiter: &Arc<RateLimiter>,
    wait: WaitPolicy,
    deadline: Duration,
) -> JoinHandle<Result<Instant, Error>> {
    let (limiter, now) = (Arc::clone(limiter), Instant::now());
    let waits = tokio::spawn(async move { limiter.acquire(wait, now, now + deadline).await });
    tokio::task::yield_now().await;
    waits
}

/// A 429 to a request that went out just now.
fn too_many(limiter: &RateLimiter, pause: Option<Duration>) {
    let error = Error::new(ErrorKind::RateLimited, "429");
    limiter.on_too_many_requests(WaitPolicy::Deadline, Instant::now(), &error, pause);
}

fn nobody_waits(limiter: &RateLimiter) -> bool {
    limiter.state().waiters.is_empty()
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100.0).round() / 100.0
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_out_at_once_and_the_rest_evenly_in_order_of_asking() {
    let limiter = limiter(60, 10);
    let began = Instant::now();
    let mut callers = Vec::new();
    for _ in 0..30 {
        callers.push(waits(&limiter, WaitPolicy::Deadline, 100 * SECOND).await);
    }
    for (number, caller) in (0..).zip(callers) {
        let went_out = caller.await.unwrap().unwrap() - began;
        assert_eq!(seconds(went_out), f64::max(0.0, f64::from(number) - 9.0), "caller {number}");
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
async fn without_a_limit_nobody_waits() {
    let limiter = limiter(0, 1);
    let began = Instant::now();
    for _ in 0..100 {
        acquire(&limiter, within(SECOND)).await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_not_said_to_have_a_burst_holds_a_minute() {
    let limiter = RateLimiter::new(AskedBy::User, RateLimits::default().by_user(12).by_user);
    for _ in 0..12 {
        acquire(&limiter, within(SECOND)).await.unwrap();
    }
    assert!(acquire(&limiter, within(SECOND)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_no_gap() {
    let limiter = limiter(60, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    let mut callers = Vec::new();
    for _ in 0..10 {
        callers.push(waits(&limiter, WaitPolicy::Deadline, 1000 * SECOND).await);
    }
    advance(SECOND / 2).await;
    callers[..9].iter().for_each(JoinHandle::abort);
    let last = callers.pop().unwrap().await.unwrap().unwrap();
    assert_eq!(seconds(last - began), 1.0);
    assert!(nobody_waits(&limiter));
}

#[tokio::test(start_paused = true)]
async fn a_slot_after_the_deadline_is_refused_at_once() {
    let limiter = limiter(6, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    let error = acquire(&limiter, within(9 * SECOND)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(10 * SECOND));
    assert_eq!(
        error.to_string(),
        "no request was sent: your rate limit `by_user` is 6 a minute; the next request is \
         allowed in 10.0 s, and the deadline of this call is in 9.0 s; raise one of them"
    );
    let waiting = waits(&limiter, WaitPolicy::Deadline, 11 * SECOND).await;
    let error = acquire(&limiter, within(15 * SECOND)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(20 * SECOND), "one is ahead");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(seconds(waiting.await.unwrap().unwrap() - began), 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_all_and_lets_one_through_a_minute() {
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
        let (went, stayed) = if one.is_ok() { (one, other) } else { (other, one) };
        assert_eq!(went.unwrap() - began, minute * MINUTE);
        assert!(stayed.is_err(), "one a minute");
    }
    let probe = acquire(&limiter, within(100 * SECOND)).await.unwrap();
    limiter.on_response(probe);
    acquire(&limiter, within(SECOND)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_newest_429_says_how_long_and_an_older_success_ends_no_pause() {
    let limiter = limiter(0, 1);
    let before = acquire(&limiter, within(SECOND)).await.unwrap();
    advance(SECOND).await;
    too_many(&limiter, Some(400_000 * SECOND));
    limiter.on_response(before);
    assert!(acquire(&limiter, within(SECOND)).await.is_err());
    too_many(&limiter, Some(5 * SECOND));
    let began = Instant::now();
    assert!(acquire(&limiter, within(5 * SECOND)).await.is_err(), "no time is left for an answer");
    assert_eq!(acquire(&limiter, within(6 * SECOND)).await.unwrap() - began, 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn one_who_can_wait_does_not_keep_those_who_cannot() {
    let limiter = limiter(60, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    let patient = waits(&limiter, WaitPolicy::Deadline, A_YEAR).await;
    let hurried = waits(&limiter, WaitPolicy::Deadline, 5 * SECOND).await;
    too_many(&limiter, Some(30 * SECOND));
    assert!(hurried.await.unwrap().is_err());
    assert!(began.elapsed() < 2 * SECOND);
    assert_eq!(seconds(patient.await.unwrap().unwrap() - began), 30.0);
}

#[tokio::test(start_paused = true)]
async fn of_a_crowd_before_a_probe_all_but_one_are_refused_at_once() {
    let limiter = limiter(0, 1);
    let began = acquire(&limiter, within(SECOND)).await.unwrap();
    too_many(&limiter, Some(400_000 * SECOND));
    advance(50 * SECOND).await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let limiter = Arc::clone(&limiter);
        crowd.spawn(async move {
            let slot = acquire(&limiter, within(12 * SECOND)).await;
            (slot.is_ok(), began.elapsed())
        });
    }
    let crowd = crowd.join_all().await;
    let gone = |went: bool| crowd.iter().filter(move |it| it.0 == went).map(|it| it.1);
    assert_eq!(gone(true).collect::<Vec<_>>(), [MINUTE]);
    assert!(gone(false).all(|at| at == 50 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn who_is_first_is_not_refused_for_those_who_were_before() {
    let limiter = limiter(10, 1);
    acquire(&limiter, within(SECOND)).await.unwrap();
    let mut before = Vec::new();
    for _ in 0..5 {
        before.push(waits(&limiter, WaitPolicy::Deadline, A_YEAR).await);
    }
    let last = waits(&limiter, WaitPolicy::Deadline, 60 * SECOND).await;
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
        // Ten that wait and are never polled again, as of a runtime that nobody drives.
        let mut silent = Vec::new();
        for _ in 0..10 {
            let mut waiting =
                Box::pin(limiter.acquire(wait, Instant::now(), within(1000 * SECOND)));
            assert!(waiting.as_mut().now_or_never().is_none());
            silent.push(waiting);
        }
        let next = waits(&limiter, wait, 20 * SECOND).await.await.unwrap().unwrap();
        assert!(seconds(next - began) <= 2.0, "{wait:?}: {:?}", next - began);
        // Who is polled again has kept its place.
        let went = silent.swap_remove(0).await.unwrap();
        assert!(seconds(went - next) <= 1.0, "{wait:?}: {:?}", went - next);
    }
}

#[tokio::test(start_paused = true)]
async fn while_callers_wait_batches_get_one_slot_in_ten() {
    let limiter = limiter(60, 1);
    acquire(&limiter, within(SECOND)).await.unwrap();
    let mut batches = Vec::new();
    for _ in 0..8 {
        batches.push(waits(&limiter, WaitPolicy::Batch, SECOND).await);
    }
    let mut callers = Vec::new();
    for _ in 0..20 {
        callers.push(waits(&limiter, WaitPolicy::Deadline, 100 * SECOND).await);
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

/// The requests that go out in a minute, if as many ask as can.
async fn in_a_minute(limiter: &Arc<RateLimiter>) -> u32 {
    let ends = Instant::now() + MINUTE;
    let mut gone = 0;
    loop {
        let slot = limiter.acquire(WaitPolicy::Batch, Instant::now(), ends).await.unwrap();
        if slot >= ends {
            return gone;
        }
        limiter.on_response(slot);
        gone += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_were_under_way_together_slow_it_down_once() {
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
    let gone = in_a_minute(&limiter).await;
    assert!((47..=49).contains(&gone), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn after_a_storm_of_429s_the_limit_is_back_within_five_minutes() {
    let limiter = limiter(300, 300);
    let began = Instant::now();
    let mut gone = 0;
    // An hour in which every request is refused, and one in ten by a 401 for a forged token.
    while began.elapsed() < 60 * MINUTE {
        acquire(&limiter, within(A_YEAR)).await.unwrap();
        sleep(SECOND / 10).await;
        too_many(&limiter, Some(SECOND));
        gone += 1;
    }
    // Never below a tenth of what was set, which is 30 a minute, less what the pauses take.
    assert!((900..=1860).contains(&gone), "{gone}");
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
async fn a_batch_that_meets_a_429_without_a_limit_gets_one_for_five_minutes() {
    let limiter = limiter(0, 1);
    let error = Error::new(ErrorKind::RateLimited, "429");
    limiter.on_too_many_requests(WaitPolicy::Batch, Instant::now(), &error, None);
    let gone = in_a_minute(&limiter).await;
    assert!((49..=51).contains(&gone), "{gone}");
    sleep(4 * MINUTE).await;
    let began = Instant::now();
    for _ in 0..1000 {
        acquire(&limiter, within(SECOND)).await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_which_limit_is_in_force() {
    let slowed = limiter(60, 1);
    for _ in 0..20 {
        acquire(&slowed, within(A_YEAR)).await.unwrap();
        sleep(SECOND / 10).await;
        too_many(&slowed, None);
    }
    let error = acquire(&slowed, within(SECOND)).await.unwrap_err().to_string();
    let said = "(`by_user`, 60 a minute) is 6 a minute for a while after a 429";
    assert!(error.contains(said), "{error}");

    let assumed = limiter(0, 1);
    let error = Error::new(ErrorKind::RateLimited, "429");
    assumed.on_too_many_requests(WaitPolicy::Batch, Instant::now(), &error, None);
    let error = acquire(&assumed, within(SECOND)).await.unwrap_err().to_string();
    let said = "no rate limit is set (`by_user`), and 50 a minute are assumed";
    assert!(error.contains(said), "{error}");
}
