//! Rate limits: the pace that the owner sets, and the wait that a 429 asks for.
//! All clones share them; each way of asking has its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::retry::ROOM;
use crate::clock::{Instant, Queue, sleep_until, timeout_at};
use crate::task::apart;
use crate::{Error, ErrorKind};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Beyond this a time means "never", and clocks overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How often the client asks at most, retries included: requests a minute, for
/// each of the two ways of asking.
///
/// Off by default. Figma's documentation (payments, rate limits) grants 300 a
/// minute by payment token, and by user and resource up to 10 for View and
/// Collab seats, 50, 100 or 150 for Dev and Full seats, depending on the plan.
/// It counts a user's processes together, a client only itself: share the limit
/// out among them. One copy of that page has by payment token the same limits as
/// by user; nobody here has seen which is in force.
///
/// Calls wait for their turn, first come, first served, evenly spaced. One whose
/// turn would come after its [deadline](crate::ClientBuilder::deadline) fails at
/// once, as [`RateLimited`](ErrorKind::RateLimited), without a request. A 429
/// that comes all the same makes the pace slower for a while.
///
/// ```
/// use figma_payments::RateLimits;
///
/// // A Full seat on a plan with 50 a minute, shared by two processes.
/// let limits = RateLimits::default().by_user(50 / 2);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct RateLimits {
    pub(crate) by_token: u32,
    pub(crate) by_user: u32,
}

impl RateLimits {
    /// Requests a minute by payment token; 0 for no pace.
    pub fn by_token(mut self, per_minute: u32) -> Self {
        self.by_token = per_minute;
        self
    }

    /// Requests a minute by user and resource; 0 for no pace.
    pub fn by_user(mut self, per_minute: u32) -> Self {
        self.by_user = per_minute;
        self
    }
}

/// The limit of one way of asking.
pub(crate) struct Limit {
    /// What was set, as the time from one request to the next; zero for no pace.
    set: Duration,
    /// First come, first served; who gives up leaves no gap.
    queue: Queue,
    /// Who of the batches is in the queue.
    pub(crate) batches: Queue,
    /// Held by each in the queue, to count them.
    places: Arc<()>,
    pace: Mutex<Pace>,
}

struct Pace {
    /// As set, or slower after a 429.
    interval: Duration,
    /// When the next request may go out.
    next: Instant,
    held: Option<Held>,
}

/// A 429 that said how long to wait.
struct Held {
    error: Error,
    since: Instant,
    until: Instant,
    /// When one request goes out all the same: a bogus wait of days must not
    /// lock the process out.
    probe: Instant,
}

impl Limit {
    pub(crate) fn new(per_minute: u32) -> Self {
        let set = MINUTE.checked_div(per_minute).unwrap_or_default();
        let pace = Mutex::new(Pace { interval: set, next: Instant::now(), held: None });
        let (queue, batches, places) = Default::default();
        Limit { set, queue, batches, places, pace }
    }

    /// Waits until a request may go out, which is when it returns. Fails at once
    /// if that will not be before the deadline.
    pub(crate) async fn turn(
        self: &Arc<Self>,
        now: Instant,
        deadline: Instant,
    ) -> Result<Instant, Error> {
        let nobody_waits = Arc::strong_count(&self.places) == 1;
        let free = self.pace(|pace| {
            let paced = !pace.interval.is_zero() || pace.held.is_some();
            match paced {
                false => Some(now),
                true if nobody_waits && pace.next <= now => pace.take(),
                true => None,
            }
        });
        if let Some(now) = free {
            return Ok(now);
        }
        // Whoever has a place and is busy with something else must not keep it.
        let limit = Arc::clone(self);
        apart(async move { limit.wait(deadline).await }).await
    }

    async fn wait(&self, deadline: Instant) -> Result<Instant, Error> {
        let mut ahead = Arc::strong_count(&self.places) - 1;
        let _place = Arc::clone(&self.places);
        loop {
            let held = self.pace(|pace| pace.check(ahead, deadline))?;
            if let Some(until) = held {
                // Outside the queue, or whoever can wait keeps those who cannot.
                sleep_until(until).await;
                ahead = 0;
                continue;
            }
            let first = async {
                let first = self.queue.lock().await;
                let next = self.pace(|pace| pace.next);
                // A timer is late by up to a millisecond, also one for the past.
                if next > Instant::now() {
                    sleep_until(next).await;
                }
                first
            };
            let first = timeout_at(deadline, first).await;
            let next = |pace: &mut Pace| pace.too_late(deadline + pace.interval);
            let _first = first.map_err(|_| self.pace(next))?;
            if let Some(now) = self.pace(Pace::take) {
                return Ok(now);
            }
            ahead = 0;
        }
    }

    /// A request that went out then met no limit.
    pub(crate) fn passed(&self, went_out: Instant) {
        self.pace(|pace| {
            pace.held.take_if(|held| held.since <= went_out);
            if pace.interval > self.set {
                pace.interval = pace.interval.mul_f64(0.999).max(self.set);
            }
        });
    }

    /// A request met the limit: nobody asks again before the wait is over, and
    /// the pace is slower by a tenth; where there is none, `at_least` takes its
    /// place. The newest 429 knows best.
    pub(crate) fn hold(&self, error: &Error, wait: Duration, at_least: Duration) {
        let since = Instant::now();
        let (until, probe) = (since + wait.min(LONGEST), since + MINUTE);
        self.pace(|pace| {
            // Once after each success: for a server that refuses all, no pace is
            // slow enough.
            if pace.held.is_none() {
                let slowest = (self.set * 10).max(MINUTE / 5);
                let slower = pace.interval.mul_f64(1.1).min(slowest);
                pace.interval = if pace.interval.is_zero() { at_least } else { slower };
            }
            pace.held = Some(Held { error: error.clone(), since, until, probe });
        });
    }

    fn pace<T>(&self, with: impl FnOnce(&mut Pace) -> T) -> T {
        with(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Pace {
    /// Until when nothing goes out because of a 429.
    fn held(&self) -> Option<Instant> {
        let until = self.held.as_ref().map(|held| held.until.min(held.probe));
        until.filter(|until| *until > Instant::now())
    }

    /// Whether a turn comes before the deadline, with so many ahead of it.
    fn check(&self, ahead: usize, deadline: Instant) -> Result<Option<Instant>, Error> {
        let (now, held) = (Instant::now(), self.held());
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let opens = self.next.max(held.unwrap_or(now)) + self.interval.saturating_mul(ahead);
        // Only one goes out before the wait is over: the others would wait in vain.
        let probed = self.held.as_ref().is_some_and(|held| held.until + ROOM >= deadline);
        let vain = ahead > 0 && held.is_some() && probed;
        match opens <= now || (opens + ROOM < deadline && !vain) {
            true => Ok(held),
            false => Err(self.too_late(opens)),
        }
    }

    /// Takes the turn, unless a 429 came while it was waited for.
    fn take(&mut self) -> Option<Instant> {
        if self.held().is_some() {
            return None;
        }
        let now = Instant::now();
        self.next = now + self.interval;
        if let Some(held) = &mut self.held {
            held.probe = now + MINUTE;
        }
        Some(now)
    }

    fn too_late(&self, opens: Instant) -> Error {
        let (message, until) = match &self.held {
            Some(held) => ("not sent: an earlier 429 asks to wait", held.until.max(opens)),
            None => ("not sent: the pace has no turn left before the deadline", opens),
        };
        let limit = self.held.as_ref().and_then(|held| held.error.rate_limit().cloned());
        Error::new(ErrorKind::RateLimited, message).with(|it| {
            it.sent = false;
            it.answer.retry_after = Some(until.saturating_duration_since(Instant::now()));
            it.answer.rate_limit = limit;
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn too_many() -> Error {
        Error::new(ErrorKind::RateLimited, "429")
    }

    async fn turn(limit: &Arc<Limit>, deadline: Instant) -> Result<Instant, Error> {
        limit.turn(Instant::now(), deadline).await
    }

    fn within(limit: Duration) -> Instant {
        Instant::now() + limit
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_evenly_spaced_and_in_order_of_asking() {
        let limit = Arc::new(Limit::new(60));
        let began = Instant::now();
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..100u32 {
            let limit = Arc::clone(&limit);
            callers
                .spawn(async move { (number, turn(&limit, within(1000 * SECOND)).await.unwrap()) });
        }
        let mut turns = callers.join_all().await;
        turns.sort_by_key(|(_, turn)| *turn);
        for (at, (number, turn)) in (0..).zip(turns) {
            assert_eq!(number, at);
            assert_eq!(turn - began, at * SECOND);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_pace_and_at_a_slow_one_nobody_waits_for_nothing() {
        let began = Instant::now();
        let limit = Arc::new(Limit::new(0));
        for _ in 0..100 {
            let (one, other) =
                tokio::join!(turn(&limit, within(SECOND)), turn(&limit, within(SECOND)));
            assert!(one.is_ok() && other.is_ok());
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        let limit = Arc::new(Limit::new(60));
        advance(SECOND).await;
        turn(&limit, within(SECOND)).await.unwrap();
        assert_eq!(began.elapsed(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_leaves_no_gap() {
        let limit = Arc::new(Limit::new(60));
        let began = Instant::now();
        let ask = || {
            let limit = Arc::clone(&limit);
            tokio::spawn(async move { turn(&limit, within(1000 * SECOND)).await.unwrap() })
        };
        turn(&limit, within(SECOND)).await.unwrap();
        let callers: Vec<_> = (0..10).map(|_| ask()).collect();
        advance(SECOND / 2).await;
        callers[..9].iter().for_each(|caller| caller.abort());
        let last = callers.into_iter().next_back().unwrap().await.unwrap();
        assert_eq!(last - began, SECOND);
        assert_eq!(Arc::strong_count(&limit.places), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_refused_at_once() {
        let limit = Arc::new(Limit::new(6));
        let began = Instant::now();
        turn(&limit, within(SECOND)).await.unwrap();
        let error = turn(&limit, within(9 * SECOND)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(10 * SECOND));
        let waiting = Arc::clone(&limit);
        let waiting = tokio::spawn(async move { turn(&waiting, within(11 * SECOND)).await });
        tokio::task::yield_now().await;
        let error = turn(&limit, within(15 * SECOND)).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(20 * SECOND), "one is ahead");
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(waiting.await.unwrap().unwrap() - began, 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_holds_back_all_and_lets_one_through_a_minute() {
        let limit = Arc::new(Limit::new(0));
        let began = turn(&limit, within(SECOND)).await.unwrap();
        limit.hold(&too_many(), Duration::MAX, Duration::ZERO);
        let error = turn(&limit, within(12 * SECOND)).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(LONGEST));
        for minute in 1..5 {
            let (one, other) = tokio::join!(
                turn(&limit, within(100 * SECOND)),
                turn(&limit, within(100 * SECOND))
            );
            let (went, stayed) = if one.is_ok() { (one, other) } else { (other, one) };
            assert_eq!(went.unwrap() - began, minute * MINUTE);
            assert!(stayed.is_err(), "one a minute");
        }
        let probe = turn(&limit, within(100 * SECOND)).await.unwrap();
        limit.passed(probe);
        turn(&limit, within(SECOND)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_429_says_how_long_and_an_older_success_ends_nothing() {
        let limit = Arc::new(Limit::new(0));
        let before = turn(&limit, within(SECOND)).await.unwrap();
        advance(SECOND).await;
        limit.hold(&too_many(), Duration::from_secs(400_000), Duration::ZERO);
        limit.passed(before);
        assert!(turn(&limit, within(SECOND)).await.is_err());
        limit.hold(&too_many(), 5 * SECOND, Duration::ZERO);
        let began = Instant::now();
        assert!(turn(&limit, within(5 * SECOND)).await.is_err(), "no time for an answer is left");
        assert_eq!(turn(&limit, within(6 * SECOND)).await.unwrap() - began, 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_can_wait_does_not_keep_those_who_cannot() {
        let limit = Arc::new(Limit::new(60));
        let began = turn(&limit, within(SECOND)).await.unwrap();
        let ask = |deadline| {
            let limit = Arc::clone(&limit);
            tokio::spawn(async move { turn(&limit, within(deadline)).await })
        };
        let (patient, hurried) = (ask(LONGEST), ask(5 * SECOND));
        tokio::task::yield_now().await;
        limit.hold(&too_many(), 30 * SECOND, Duration::ZERO);
        assert!(hurried.await.unwrap().is_err());
        assert!(began.elapsed() < 2 * SECOND);
        assert_eq!(patient.await.unwrap().unwrap() - began, 30 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_makes_the_pace_slower_and_success_brings_it_back() {
        let limit = Arc::new(Limit::new(60));
        let interval = || limit.pace(|pace| pace.interval);
        limit.hold(&too_many(), SECOND, Duration::ZERO);
        limit.hold(&too_many(), SECOND, Duration::ZERO);
        assert_eq!(interval(), SECOND.mul_f64(1.1), "once for one wait");
        (0..200).for_each(|_| limit.passed(Instant::now()));
        assert_eq!(interval(), SECOND);
        let limit = Arc::new(Limit::new(0));
        limit.hold(&too_many(), SECOND, SECOND);
        assert_eq!(limit.pace(|pace| pace.interval), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_429s_is_forgotten_soon() {
        let limit = Arc::new(Limit::new(60));
        let began = Instant::now();
        while began.elapsed() < 60 * MINUTE {
            turn(&limit, within(LONGEST)).await.unwrap();
            limit.hold(&too_many(), SECOND, Duration::ZERO);
        }
        assert!(limit.pace(|pace| pace.interval) < 2 * SECOND);
        for _ in 0..1000 {
            limit.passed(Instant::now());
            limit.hold(&too_many(), SECOND, Duration::ZERO);
        }
        assert!(limit.pace(|pace| pace.interval) <= 12 * SECOND, "no pace is slower");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_polled_keeps_nobody_from_their_turn() {
        let limit = Arc::new(Limit::new(60));
        let began = turn(&limit, within(SECOND)).await.unwrap();
        let mut stalled = Box::pin(turn(&limit, within(20 * SECOND)));
        tokio::select! {
            biased;
            _ = stalled.as_mut() => unreachable!("its turn is in a second"),
            () = std::future::ready(()) => {}
        }
        let other = turn(&limit, within(10 * SECOND)).await.unwrap();
        assert_eq!(other - began, 2 * SECOND);
        drop(stalled);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_crowd_before_a_probe_all_but_one_are_refused_at_once() {
        let limit = Arc::new(Limit::new(0));
        let began = turn(&limit, within(SECOND)).await.unwrap();
        limit.hold(&too_many(), 400_000 * SECOND, Duration::ZERO);
        advance(50 * SECOND).await;
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let limit = Arc::clone(&limit);
            crowd.spawn(async move {
                let turn = turn(&limit, within(12 * SECOND)).await;
                (turn.is_ok(), began.elapsed())
            });
        }
        let crowd = crowd.join_all().await;
        let gone = |went: bool| crowd.iter().filter(move |it| it.0 == went).map(|it| it.1);
        assert_eq!(gone(true).collect::<Vec<_>>(), [MINUTE]);
        assert!(gone(false).all(|at| at == 50 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_first_is_not_refused_for_those_who_were_before() {
        let limit = Arc::new(Limit::new(10));
        turn(&limit, within(SECOND)).await.unwrap();
        let ask = |deadline| {
            let limit = Arc::clone(&limit);
            tokio::spawn(async move { turn(&limit, within(deadline)).await })
        };
        let before: Vec<_> = (0..5).map(|_| ask(LONGEST)).collect();
        tokio::task::yield_now().await;
        let last = ask(60 * SECOND);
        for one in before {
            one.await.unwrap().unwrap();
        }
        limit.hold(&too_many(), 7 * SECOND, Duration::ZERO);
        last.await.unwrap().unwrap();
    }
}
