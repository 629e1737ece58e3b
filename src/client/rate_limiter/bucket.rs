//! How fast requests may go out: a token bucket that slows down after a 429 and
//! recovers with time, as congestion control does.

use std::time::Duration;

use crate::platform::clock::Instant;

/// After the last 429 the limit is back to what was set within this time.
pub(super) const RECOVERY: Duration = Duration::from_secs(300);

/// What is left of the rate after a 429, at the most and at the least. In between
/// it is a little less than what the server has granted since the 429 before. This
/// and the curve of the recovery were chosen by the simulations in
/// `client/batch.rs`: a server that allows a fifth of what was set is still used in
/// full, and refuses one request in thirty.
const DECREASE: f64 = 0.8;
const LARGEST_DECREASE: f64 = 0.5;
const OF_WHAT_IS_GRANTED: f64 = 0.9;

/// However many 429s come, this part of the rate that was set is left.
const LEAST: f64 = 0.1;

/// What a call without a limit is held to when many calls have met a 429.
const ASSUMED: Rate = Rate { per_second: 50.0 / 60.0, burst: 50.0 };

/// Times come with a rounding error, and so do tokens.
const ROUNDING: f64 = 1e-6;

#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) per_second: f64,
    /// How many requests may go out at once after a quiet time. At least 1.
    pub(super) burst: f64,
}

/// Why a limit is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InForce {
    AsSet,
    /// After a 429.
    SlowedDown,
    /// None is set, and many questions met a 429.
    Assumed,
}

/// Each request takes a token. Tokens come in at the rate, up to the burst.
pub(super) struct Bucket {
    /// What the owner of the client set, if anything.
    set: Option<Rate>,
    tokens: f64,
    filled_at: Instant,
    slowdown: Option<Slowdown>,
}

/// The time since the last 429.
#[derive(Debug, Clone, Copy)]
struct Slowdown {
    rate: Rate,
    /// The part of the rate that was left then.
    factor: f64,
    last_429: Instant,
    decreased: Instant,
    /// Requests that went out since it decreased.
    gone: u32,
}

impl Slowdown {
    /// From 0 at the last 429 to 1 when it is over: slow at first, because the
    /// server's limit is most likely near, and faster later, as TCP's CUBIC does
    /// (RFC 9438).
    fn progress(&self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.last_429);
        (passed.as_secs_f64() / RECOVERY.as_secs_f64()).min(1.0).powi(5)
    }

    fn factor(&self, now: Instant) -> f64 {
        self.factor + (1.0 - self.factor) * self.progress(now)
    }

    /// What is left after one more 429.
    fn decrease(&self, now: Instant) -> f64 {
        let time = now.saturating_duration_since(self.decreased).as_secs_f64();
        let granted = f64::from(self.gone) / time / self.rate.per_second;
        let factor = self.factor(now);
        let left = OF_WHAT_IS_GRANTED * granted;
        left.clamp(LARGEST_DECREASE * factor, DECREASE * factor).max(LEAST)
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
        Bucket { set, tokens, filled_at: now, slowdown: None }
    }

    /// The limit in force; none if there is none.
    fn rate(&self, now: Instant) -> Option<Rate> {
        match &self.slowdown {
            Some(slowdown) => Some(slowdown.rate(now)),
            None => self.set,
        }
    }

    /// The requests a minute that are in force, and why.
    pub(super) fn in_force(&self, now: Instant) -> Option<(f64, InForce)> {
        let why = match (&self.slowdown, self.set) {
            (Some(_), Some(_)) => InForce::SlowedDown,
            (Some(_), None) => InForce::Assumed,
            (None, _) => InForce::AsSet,
        };
        Some((self.rate(now)?.per_second * 60.0, why))
    }

    pub(super) fn is_unlimited(&self) -> bool {
        self.set.is_none() && self.slowdown.is_none()
    }

    /// The time from one request to the next, if there is a limit.
    pub(super) fn interval(&self, now: Instant) -> Duration {
        self.rate(now).map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.per_second))
    }

    /// When the next request may go out, as it looks now.
    pub(super) fn opens(&mut self, now: Instant) -> Instant {
        self.fill(now);
        match self.rate(now) {
            Some(rate) if self.tokens < 1.0 - ROUNDING => {
                now + Duration::from_secs_f64((1.0 - self.tokens) / rate.per_second)
            }
            _ => now,
        }
    }

    /// A request goes out.
    pub(super) fn take(&mut self, now: Instant) {
        self.fill(now);
        self.tokens = (self.tokens - 1.0).max(0.0);
        if let Some(slowdown) = &mut self.slowdown {
            slowdown.gone += 1;
        }
    }

    /// A request that went out at `sent` was answered 429. The rate decreases at
    /// most once for what was under way together. Without a limit, `assume` says
    /// whether there is to be one.
    pub(super) fn on_too_many_requests(&mut self, sent: Instant, now: Instant, assume: bool) {
        self.fill(now);
        let begins =
            |rate, factor| Slowdown { rate, factor, last_429: now, decreased: now, gone: 0 };
        self.slowdown = match (self.slowdown, self.set) {
            (Some(slowdown), _) if sent > slowdown.decreased => {
                Some(begins(slowdown.rate, slowdown.decrease(now)))
            }
            (Some(slowdown), _) => {
                Some(Slowdown { factor: slowdown.factor(now), last_429: now, ..slowdown })
            }
            (None, Some(rate)) => Some(begins(rate, DECREASE)),
            (None, None) => assume.then(|| begins(ASSUMED, 1.0)),
        };
        // The server's own bucket is full.
        self.tokens = 0.0;
    }

    /// Brings the tokens up to date.
    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        if let (Some(before), Some(rate)) = (self.rate(self.filled_at), self.rate(now)) {
            let mean = f64::midpoint(before.per_second, rate.per_second);
            self.tokens = (self.tokens + passed * mean).min(rate.burst);
        }
        self.filled_at = self.filled_at.max(now);
        self.slowdown.take_if(|slowdown| now >= slowdown.last_429 + RECOVERY);
    }
}
