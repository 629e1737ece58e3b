//! When a call tries again, and how long it waits before.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::times::TIME_FOR_A_RESPONSE;
use crate::error::{Error, ErrorKind};
use crate::platform::clock;

/// When a call tries again.
///
/// It tries again after failures that may pass: no connection, a timeout, a broken
/// connection, an incomplete body, and the statuses 408, 500, 502, 503 and 504. It does
/// not try again after any other status, a mismatch, or a success that cannot be read.
///
/// After a 429 it tries again only if the response has a `Retry-After`, and if that
/// leaves half a second before the [deadline](crate::ClientBuilder::deadline). Without
/// a `Retry-After`, some milliseconds of backoff do not help against a limit per
/// minute. A 429 also slows down all clones; see [`RateLimits`](crate::RateLimits).
///
/// The wait is random, between zero and a bound that doubles with every attempt ("full
/// jitter"), so that clients that failed together do not come back together. A
/// `Retry-After` is added to it. If the wait does not fit the deadline, the error comes
/// back at once.
///
/// All clones of a client share a budget of retries. Each retry uses one up, and every
/// five successes add one. So in a long outage nearly every call sends one request. When
/// the server has recovered, calls go on as usual at once.
///
/// ```
/// use std::time::Duration;
/// use figma_payments::RetryPolicy;
///
/// let policy = RetryPolicy::default()
///     .max_attempts(2)
///     .backoff(Duration::from_millis(100), Duration::from_secs(1));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryPolicy {
    max_attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
    budget: u32,
    random: Random,
}

/// At most 3 attempts, with a wait of up to 200 ms before the second and up to 400 ms
/// before the third (up to 2 s, if you allow more attempts). A budget of 100 retries.
impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 3,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(2),
            budget: 100,
            random: Random(Arc::new(clock::random)),
        }
    }
}

impl RetryPolicy {
    /// Never tries again.
    pub fn none() -> Self {
        RetryPolicy::default().max_attempts(1)
    }

    /// How many requests a call may send, including the first. 0 counts as 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The bound of the first wait, and the bound of every wait. `Retry-After` is added
    /// to these.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// The size of the budget of retries that all clones of a client share.
    pub fn budget(mut self, retries: u32) -> Self {
        self.budget = retries;
        self
    }

    /// The source of the random waits: a function that returns numbers from 0 to 1. For
    /// tests that need the same waits in every run.
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Random(Arc::new(random));
        self
    }

    /// How long to wait after attempt number `attempt` has failed, with the time `left`
    /// until the deadline. `None` to give up.
    pub(crate) fn wait(&self, attempt: u32, error: &Error, left: Duration) -> Option<Duration> {
        if attempt >= self.max_attempts || !error.is_retryable() {
            return None;
        }
        if error.kind() == ErrorKind::RateLimited && error.retry_after().is_none() {
            return None;
        }
        let bound = self.first_wait.saturating_mul(1 << (attempt - 1).min(16));
        let random = (self.random.0)();
        let jitter = if random.is_nan() { 0.0 } else { random.clamp(0.0, 1.0) };
        let backoff = bound.min(self.longest_wait).min(left).mul_f64(jitter);
        let Some(retry_after) = error.retry_after() else {
            return (backoff < left).then_some(backoff);
        };
        let wait = backoff.saturating_add(retry_after);
        (wait < left.saturating_sub(TIME_FOR_A_RESPONSE)).then_some(wait)
    }

    pub(crate) fn new_budget(&self) -> RetryBudget {
        let full = self.budget.saturating_mul(RetryBudget::RETRY_COST);
        RetryBudget { full, left: AtomicU32::new(full) }
    }
}

#[derive(Clone)]
struct Random(Arc<dyn Fn() -> f64 + Send + Sync>);

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The budget of retries that all clones of a client share. A retry costs
/// [`RETRY_COST`](Self::RETRY_COST), and a success deposits 1.
pub(crate) struct RetryBudget {
    full: u32,
    left: AtomicU32,
}

impl RetryBudget {
    const RETRY_COST: u32 = 5;

    /// Withdraws the cost of one retry; false if there is not enough left.
    pub(crate) fn withdraw(&self) -> bool {
        let withdraw = |left: u32| left.checked_sub(Self::RETRY_COST);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, withdraw).is_ok()
    }

    /// Deposits 1, after a success.
    pub(crate) fn deposit(&self) {
        let deposit = |left: u32| (left < self.full).then(|| left + 1);
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, deposit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Duration = Duration::from_secs(10);

    fn policy(random: f64) -> RetryPolicy {
        RetryPolicy::default()
            .max_attempts(9)
            .backoff(Duration::from_millis(100), Duration::from_secs(1))
            .random(move || random)
    }

    fn failure(kind: ErrorKind, status: Option<u16>, retry_after: Option<u64>) -> Error {
        Error::new(kind, "").with(|details| {
            details.response.status = status;
            details.response.retry_after = retry_after.map(Duration::from_secs);
        })
    }

    fn timeout() -> Error {
        failure(ErrorKind::Timeout, None, None)
    }

    #[test]
    fn the_bound_doubles_up_to_the_longest_wait() {
        let waits = (1..7).map(|attempt| policy(1.0).wait(attempt, &timeout(), LEFT).unwrap());
        let millis: Vec<u128> = waits.map(|wait| wait.as_millis()).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn the_jitter_is_full() {
        for (random, expected) in [(0.0, 0), (0.25, 50), (1.0, 200), (7.0, 200), (-1.0, 0)] {
            let wait = policy(random).wait(2, &timeout(), LEFT).unwrap();
            assert_eq!(wait.as_millis(), expected, "{random}");
        }
    }

    #[test]
    fn only_failures_that_may_pass_are_tried_again() {
        use ErrorKind::*;
        for (kind, status, retried) in [
            (Connect, None, true),
            (Timeout, None, true),
            (Timeout, Some(408), true),
            (Transport, Some(200), true),
            (Server, Some(500), true),
            (Server, Some(502), true),
            (Server, Some(503), true),
            (Server, Some(504), true),
            (Server, Some(501), false),
            (Server, Some(505), false),
            (BadRequest, Some(400), false),
            (Unauthorized, Some(401), false),
            (Forbidden, Some(403), false),
            (NotFound, Some(404), false),
            (RateLimited, Some(429), false),
            (Redirect, Some(302), false),
            (BodyTooLarge, Some(200), false),
            (InvalidResponse, Some(200), false),
            (Mismatch, Some(200), false),
            (InvalidQuery, None, false),
            (Configuration, None, false),
        ] {
            let wait = policy(0.5).wait(1, &failure(kind, status, None), LEFT);
            assert_eq!(wait.is_some(), retried, "{kind:?} {status:?}");
        }
    }

    #[test]
    fn retry_after_has_to_fit_the_deadline() {
        for (seconds, expected) in
            [(0, Some(0)), (1, Some(1)), (9, Some(9)), (10, None), (396_749, None)]
        {
            for error in [
                failure(ErrorKind::RateLimited, Some(429), Some(seconds)),
                failure(ErrorKind::Server, Some(503), Some(seconds)),
            ] {
                let wait = policy(0.0).wait(1, &error, LEFT);
                assert_eq!(wait.map(|wait| wait.as_secs()), expected, "{seconds}");
            }
        }
        let forever = failure(ErrorKind::RateLimited, Some(429), Some(u64::MAX));
        assert_eq!(policy(1.0).wait(1, &forever, LEFT), None);
    }

    #[test]
    fn a_call_keeps_to_its_deadline_and_its_attempts() {
        assert_eq!(policy(1.0).wait(1, &timeout(), Duration::from_millis(100)), None);
        assert_eq!(policy(0.0).wait(1, &timeout(), Duration::ZERO), None);
        assert_eq!(policy(0.0).wait(9, &timeout(), LEFT), None);
        assert_eq!(RetryPolicy::none().wait(1, &timeout(), LEFT), None);
        assert_eq!(RetryPolicy::none().max_attempts(0).wait(1, &timeout(), LEFT), None);
        assert!(policy(1.0).max_attempts(u32::MAX).wait(u32::MAX - 1, &timeout(), LEFT).is_some());
    }

    #[test]
    fn no_setting_overflows() {
        for random in [0.0, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let policy = policy(random).backoff(Duration::MAX, Duration::MAX);
            policy.wait(3, &timeout(), LEFT);
            policy.wait(3, &timeout(), Duration::from_secs(1 << 40));
        }
        assert_eq!(policy(f64::NAN).wait(1, &timeout(), LEFT), Some(Duration::ZERO));
    }

    #[test]
    fn the_budget_runs_out_and_fills_up_again() {
        let budget = RetryPolicy::default().budget(2).new_budget();
        assert!(budget.withdraw() && budget.withdraw() && !budget.withdraw());
        (0..4).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw() && !budget.withdraw());
        (0..1000).for_each(|_| budget.deposit());
        assert!(budget.withdraw() && budget.withdraw() && !budget.withdraw());
    }
}
