//! How fast requests may be sent: a token bucket that slows down after a 429 and
//! recovers with time, as TCP's congestion control does.

use std::time::Duration;

use crate::platform::clock::Instant;

/// After the last 429, the limit is back to the setting within this time.
pub(super) const RECOVERY: Duration = Duration::from_secs(300);

/// A 429 multiplies the rate by at most `SMALLEST_DECREASE` and at least
/// `LARGEST_DECREASE`. In between, the new rate is `SHARE_OF_GRANTED` of what the
/// server has granted since the previous 429.
///
/// These values and the curve of the recovery were chosen by the simulations in
/// `client/batch.rs`: a server that allows a fifth of the setting is still used in
/// full, and refuses one request in thirty.
const SMALLEST_DECREASE: f64 = 0.8;
const LARGEST_DECREASE: f64 = 0.5;
const SHARE_OF_GRANTED: f64 = 0.9;

/// The rate never falls below this part of the setting, however many 429s arrive.
const MIN_FACTOR: f64 = 0.1;

/// The limit after a batch met a 429 and no limit is set.
const ASSUMED: Rate = Rate { per_second: 50.0 / 60.0, burst: 50.0 };

/// Allows for rounding in times and tokens.
const ROUNDING: f64 = 1e-6;

#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) per_second: f64,
    /// How many requests may be sent at once after a quiet time. At least 1.
    pub(super) burst: f64,
}

/// The limit that holds now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CurrentLimit {
    pub(super) per_minute: f64,
    pub(super) reason: LimitReason,
}

/// Where a limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitReason {
    /// The setting.
    Set,
    /// The setting, reduced after a 429.
    SlowedDown,
    /// There is no setting, and a batch met a 429.
    Assumed,
}

/// Each request takes a token. Tokens are added at the rate, up to the burst.
pub(super) struct Bucket {
    /// The setting, if there is one.
    set: Option<Rate>,
    tokens: f64,
    filled_at: Instant,
    slowdown: Option<Slowdown>,
    /// Tokens that were taken since this bucket was made.
    #[cfg(feature = "redis")]
    taken: u32,
}

/// The time after a 429.
#[derive(Debug, Clone, Copy)]
struct Slowdown {
    rate: Rate,
    /// The part of the rate that was left at the last 429.
    factor: f64,
    last_429: Instant,
    decreased_at: Instant,
    /// Requests sent since then.
    sent: u32,
}

impl Slowdown {
    /// From 0 at the last 429 to 1 at the end of the recovery. Slow at first, because
    /// the server's limit is probably near, and faster later, like TCP's CUBIC
    /// (RFC 9438).
    fn progress(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.last_429);
        (elapsed.as_secs_f64() / RECOVERY.as_secs_f64()).min(1.0).powi(5)
    }

    fn factor(&self, now: Instant) -> f64 {
        self.factor + (1.0 - self.factor) * self.progress(now)
    }

    /// The factor after one more 429.
    fn decreased_factor(&self, now: Instant) -> f64 {
        let time = now.saturating_duration_since(self.decreased_at).as_secs_f64();
        let granted = f64::from(self.sent) / time / self.rate.per_second;
        let factor = self.factor(now);
        let decreased = SHARE_OF_GRANTED * granted;
        decreased.clamp(LARGEST_DECREASE * factor, SMALLEST_DECREASE * factor).max(MIN_FACTOR)
    }

    fn rate(&self, now: Instant) -> Rate {
        let Rate { per_second, burst } = self.rate;
        Rate {
            per_second: per_second * self.factor(now),
            burst: (burst * self.progress(now)).max(1.0),
        }
    }
}

impl Bucket {
    pub(super) fn new(set: Option<Rate>, now: Instant) -> Self {
        let tokens = set.map_or(0.0, |rate| rate.burst);
        Bucket {
            set,
            tokens,
            filled_at: now,
            slowdown: None,
            #[cfg(feature = "redis")]
            taken: 0,
        }
    }

    /// The bucket of a process that cannot reach the others: with its share of the rate and
    /// burst. It has room for one request now, unless this process has sent one a short time
    /// ago.
    #[cfg(feature = "redis")]
    pub(super) fn share_of(
        set: Option<Rate>,
        share: f64,
        last_sent: Option<Instant>,
        now: Instant,
    ) -> Self {
        let set = set.map(|Rate { per_second, burst }| Rate {
            per_second: per_second * share,
            burst: (burst * share).max(1.0),
        });
        let tokens = match (set, last_sent) {
            (Some(rate), Some(sent)) => {
                now.saturating_duration_since(sent).as_secs_f64() * rate.per_second
            }
            _ => 1.0,
        };
        Bucket { tokens: tokens.min(1.0), ..Bucket::new(set, now) }
    }

    /// How many requests were sent, up to the burst: more than that would have run out of
    /// Figma's bucket again.
    #[cfg(feature = "redis")]
    pub(super) fn used(&self, now: Instant) -> u32 {
        self.rate(now).map_or(0, |rate| self.taken.min(rate.burst.ceil() as u32))
    }

    /// The rate that holds now. `None` if there is no limit.
    fn rate(&self, now: Instant) -> Option<Rate> {
        match &self.slowdown {
            Some(slowdown) => Some(slowdown.rate(now)),
            None => self.set,
        }
    }

    pub(super) fn current_limit(&self, now: Instant) -> Option<CurrentLimit> {
        let reason = match (&self.slowdown, self.set) {
            (Some(_), Some(_)) => LimitReason::SlowedDown,
            (Some(_), None) => LimitReason::Assumed,
            (None, _) => LimitReason::Set,
        };
        Some(CurrentLimit { per_minute: self.rate(now)?.per_second * 60.0, reason })
    }

    pub(super) fn is_unlimited(&self) -> bool {
        self.set.is_none() && self.slowdown.is_none()
    }

    /// The time from one request to the next; zero if there is no limit.
    pub(super) fn interval(&self, now: Instant) -> Duration {
        self.rate(now).map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.per_second))
    }

    /// When the bucket has a token for the next request, by the current rate.
    pub(super) fn next_token(&mut self, now: Instant) -> Instant {
        self.refill(now);
        match self.rate(now) {
            Some(rate) if self.tokens < 1.0 - ROUNDING => {
                now + Duration::from_secs_f64((1.0 - self.tokens) / rate.per_second)
            }
            _ => now,
        }
    }

    /// Takes the token for a request that is sent now.
    pub(super) fn take(&mut self, now: Instant) {
        self.refill(now);
        self.tokens = (self.tokens - 1.0).max(0.0);
        #[cfg(feature = "redis")]
        {
            self.taken = self.taken.saturating_add(1);
        }
        if let Some(slowdown) = &mut self.slowdown {
            slowdown.sent += 1;
        }
    }

    /// A request that was sent at `sent` was answered 429. Several 429s to requests
    /// that were under way together decrease the rate once. If no limit is set,
    /// `assume` says whether [`ASSUMED`] holds from now on.
    pub(super) fn on_too_many_requests(&mut self, sent: Instant, now: Instant, assume: bool) {
        self.refill(now);
        let begin =
            |rate, factor| Slowdown { rate, factor, last_429: now, decreased_at: now, sent: 0 };
        self.slowdown = match (self.slowdown, self.set) {
            (Some(slowdown), _) if sent > slowdown.decreased_at => {
                Some(begin(slowdown.rate, slowdown.decreased_factor(now)))
            }
            (Some(slowdown), _) => {
                Some(Slowdown { factor: slowdown.factor(now), last_429: now, ..slowdown })
            }
            (None, Some(rate)) => Some(begin(rate, SMALLEST_DECREASE)),
            (None, None) => assume.then(|| begin(ASSUMED, 1.0)),
        };
        // The 429 means that the server's own bucket has no room for a burst.
        self.tokens = 0.0;
    }

    /// Adds the tokens of the time since the last call, and ends the slowdown when it
    /// is over.
    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        if let (Some(before), Some(rate)) = (self.rate(self.filled_at), self.rate(now)) {
            let mean = f64::midpoint(before.per_second, rate.per_second);
            self.tokens = (self.tokens + elapsed * mean).min(rate.burst);
        }
        self.filled_at = self.filled_at.max(now);
        self.slowdown.take_if(|slowdown| now >= slowdown.last_429 + RECOVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The part of the setting, two requests a second, that holds now.
    fn factor(bucket: &Bucket, now: Instant) -> f64 {
        let part = bucket.current_limit(now).unwrap().per_minute / 120.0;
        (part * 1000.0).round() / 1000.0
    }

    /// A bucket that has just slowed down after its first 429.
    fn slowed_down(burst: f64, now: Instant) -> Bucket {
        let mut bucket = Bucket::new(Some(Rate { per_second: 2.0, burst }), now);
        bucket.on_too_many_requests(now, now, false);
        assert_eq!(factor(&bucket, now), 0.8);
        bucket
    }

    #[test]
    fn a_429_leaves_a_little_less_than_what_was_granted() {
        for (sent_in_10_s, expected) in [(0, 0.4), (6, 0.4), (10, 0.45), (12, 0.54), (20, 0.64)] {
            let begin = Instant::now();
            let mut bucket = slowed_down(1.0, begin);
            let sent = begin + 9 * SECOND;
            (0..sent_in_10_s).for_each(|_| bucket.take(sent));
            let now = begin + 10 * SECOND;
            bucket.on_too_many_requests(sent, now, false);
            assert_eq!(factor(&bucket, now), expected, "{sent_in_10_s} granted in 10 s");
        }
    }

    #[test]
    fn many_429s_leave_a_tenth() {
        let mut now = Instant::now();
        let mut bucket = slowed_down(1.0, now);
        for expected in [0.4, 0.2, 0.1, 0.1] {
            now += 10 * SECOND;
            bucket.on_too_many_requests(now, now, false);
            assert_eq!(factor(&bucket, now), expected);
        }
    }

    #[test]
    fn requests_that_were_under_way_together_decrease_the_rate_once() {
        let begin = Instant::now();
        let mut bucket = slowed_down(1.0, begin);
        bucket.on_too_many_requests(begin, begin + SECOND, false);
        assert_eq!(factor(&bucket, begin + SECOND), 0.8);
    }

    #[test]
    fn the_rate_and_the_burst_recover_slowly_at_first() {
        let begin = Instant::now();
        let mut bucket = slowed_down(60.0, begin);
        let after = |part: f64| begin + RECOVERY.mul_f64(part);
        for (part, expected, burst) in
            [(0.5, 0.806, 1.875), (0.8, 0.866, 19.661), (0.9, 0.918, 35.429)]
        {
            let slowdown = bucket.slowdown.unwrap().rate(after(part));
            assert_eq!(factor(&bucket, after(part)), expected, "{part}");
            assert!((slowdown.burst - burst).abs() < 0.001, "{part}: {}", slowdown.burst);
        }
        let almost = after(1.0) - SECOND;
        bucket.refill(almost);
        assert_eq!(bucket.current_limit(almost).unwrap().reason, LimitReason::SlowedDown);
        bucket.refill(after(1.0));
        assert_eq!(bucket.current_limit(after(1.0)).unwrap().reason, LimitReason::Set);
    }

    #[test]
    fn tokens_come_in_at_the_rate_up_to_the_burst() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(Some(Rate { per_second: 0.5, burst: 2.0 }), begin);
        assert_eq!(bucket.interval(begin), 2 * SECOND);
        assert_eq!(bucket.next_token(begin), begin);
        (0..2).for_each(|_| bucket.take(begin));
        assert_eq!(bucket.next_token(begin), begin + 2 * SECOND);
        assert_eq!(bucket.next_token(begin + SECOND), begin + 2 * SECOND);
        let later = begin + 600 * SECOND;
        (0..2).for_each(|_| bucket.take(later));
        assert_eq!(bucket.next_token(later), later + 2 * SECOND, "no more than the burst");
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_process_that_was_alone_has_used_what_it_sent() {
        let now = Instant::now();
        let set = Some(Rate { per_second: 5.0, burst: 300.0 });
        let mut bucket = Bucket::share_of(set, 0.25, None, now);
        assert_eq!(bucket.used(now), 0, "its bucket was not full, but it has sent nothing");
        (0..3).for_each(|_| bucket.take(now));
        assert_eq!(bucket.used(now), 3);
        (0..200).for_each(|_| bucket.take(now));
        assert_eq!(bucket.used(now), 75, "its share of the burst");
    }

    #[test]
    fn without_a_setting_only_a_batch_assumes_a_limit() {
        let now = Instant::now();
        let mut bucket = Bucket::new(None, now);
        bucket.on_too_many_requests(now, now, false);
        assert!(bucket.is_unlimited() && bucket.current_limit(now).is_none());
        assert_eq!((bucket.interval(now), bucket.next_token(now)), (Duration::ZERO, now));
        bucket.on_too_many_requests(now, now, true);
        let limit = CurrentLimit { per_minute: 50.0, reason: LimitReason::Assumed };
        assert_eq!(bucket.current_limit(now), Some(limit));
        assert!(!bucket.is_unlimited());
    }
}
