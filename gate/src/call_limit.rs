//! How often one caller may cause a call to Figma, in bounded memory.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::caller::CallerKey;

/// How many callers are counted one by one. This takes less than 1 MiB.
const MAX_CALLERS: usize = 10_000;

/// How often callers are forgotten, at most, while there is no room for more.
const SWEEP_EVERY: Nanos = Nanos::new(1_000_000_000);

/// The largest burst; governor's numbers end at about 300 million.
const MAX_BURST: u32 = 1_000_000;

/// A leaky bucket for each caller. If there are more callers than there is room for, those
/// who come last share one.
pub(crate) struct CallLimit<C: Clock = DefaultClock> {
    limiter: RateLimiter<CallerKey, Callers, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    swept: Mutex<C::Instant>,
}

impl CallLimit {
    pub(crate) fn new(per_minute: u32, burst: u32) -> Self {
        CallLimit::with_clock(per_minute, burst, DefaultClock::default())
    }
}

impl<C: Clock + Clone> CallLimit<C> {
    fn with_clock(per_minute: u32, burst: u32, clock: C) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(at_least_one(per_minute));
        let quota = quota.allow_burst(at_least_one(burst.min(MAX_BURST)));
        CallLimit {
            limiter: RateLimiter::new(quota, Callers::default(), clock.clone()),
            swept: Mutex::new(clock.now()),
            clock,
        }
    }

    /// Counts a call of this caller. The error is how long to wait for the next.
    pub(crate) fn count(&self, caller: CallerKey) -> Result<(), Duration> {
        self.make_room();
        let counted = self.limiter.check_key(&caller);
        counted.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Forgets callers whose bucket is empty again, if there is no room for another.
    fn make_room(&self) {
        if self.limiter.len() < MAX_CALLERS {
            return;
        }
        let now = self.clock.now();
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*swept) >= SWEEP_EVERY {
            *swept = now;
            self.limiter.retain_recent();
        }
    }
}

/// When the bucket of each caller is empty again.
#[derive(Default)]
struct Callers(Mutex<Buckets>);

#[derive(Default)]
struct Buckets {
    empty_at: HashMap<CallerKey, Nanos>,
    /// The bucket of all callers that there is no room for.
    of_the_rest: Option<Nanos>,
}

impl Callers {
    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Callers {
    type Key = CallerKey;

    fn measure_and_replace<T, F, E>(&self, caller: &CallerKey, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut buckets = self.buckets();
        let known = buckets.empty_at.get(caller).copied();
        if known.is_some() || buckets.empty_at.len() < MAX_CALLERS {
            let (counted, empty_at) = measure(known)?;
            buckets.empty_at.insert(*caller, empty_at);
            return Ok(counted);
        }
        let (counted, empty_at) = measure(buckets.of_the_rest)?;
        buckets.of_the_rest = Some(empty_at);
        Ok(counted)
    }
}

impl ShrinkableKeyedStateStore<CallerKey> for Callers {
    fn retain_recent(&self, drop_below: Nanos) {
        self.buckets().empty_at.retain(|_, empty_at| *empty_at > drop_below);
    }

    fn len(&self) -> usize {
        self.buckets().empty_at.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::caller::{Caller, CallerKeys};

    const SECOND: Duration = Duration::from_secs(1);

    /// A limit on a clock that only the test moves, and callers by number.
    struct Test {
        limit: CallLimit<FakeRelativeClock>,
        clock: FakeRelativeClock,
        keys: CallerKeys,
    }

    impl Test {
        fn of(per_minute: u32, burst: u32) -> Self {
            let clock = FakeRelativeClock::default();
            let limit = CallLimit::with_clock(per_minute, burst, clock.clone());
            Test { limit, clock, keys: CallerKeys::default() }
        }

        fn count(&self, caller: usize) -> Result<(), Duration> {
            self.limit.count(self.keys.of(&Caller::named(caller.to_string())))
        }
    }

    #[test]
    fn a_caller_has_a_burst_and_then_so_many_a_minute() {
        let test = Test::of(30, 3);
        assert!((0..3).all(|_| test.count(1).is_ok()));
        assert_eq!(test.count(1), Err(2 * SECOND));
        assert_eq!(test.count(2), Ok(()), "another caller has a burst too");
        test.clock.advance(SECOND);
        assert_eq!(test.count(1), Err(SECOND), "who was refused does not wait longer");
        test.clock.advance(SECOND);
        assert_eq!(test.count(1), Ok(()));
        assert_eq!(test.count(1), Err(2 * SECOND));
        test.clock.advance(60 * SECOND);
        assert!((0..3).all(|_| test.count(1).is_ok()), "not more than the burst");
        assert_eq!(test.count(1), Err(2 * SECOND));
    }

    #[test]
    fn settings_at_the_ends_of_their_range_are_limits_too() {
        let test = Test::of(0, 0);
        assert_eq!(test.count(1), Ok(()));
        assert_eq!(test.count(1), Err(60 * SECOND));
        let test = Test::of(1, u32::MAX);
        assert!((0..1000).all(|_| test.count(1).is_ok()));
        let test = Test::of(u32::MAX, 1);
        assert_eq!(test.count(1), Ok(()));
        test.clock.advance(SECOND);
        assert_eq!(test.count(1), Ok(()));
    }

    #[test]
    fn callers_are_forgotten_when_there_is_no_room_and_their_bucket_is_empty() {
        let test = Test::of(30, 30);
        assert!((0..MAX_CALLERS).all(|caller| test.count(caller).is_ok()));
        assert_eq!(test.limit.limiter.len(), MAX_CALLERS);
        test.clock.advance(10 * SECOND);
        assert_eq!(test.count(MAX_CALLERS), Ok(()));
        assert_eq!(test.limit.limiter.len(), 1);
    }

    #[test]
    fn more_callers_than_there_is_room_for_share_one_limit() {
        let test = Test::of(30, 2);
        assert_eq!(test.count(0), Ok(()));
        for caller in 1..MAX_CALLERS {
            assert!((0..2).all(|_| test.count(caller).is_ok()));
        }
        for caller in [MAX_CALLERS, MAX_CALLERS + 1] {
            assert_eq!(test.count(caller), Ok(()));
        }
        assert_eq!(test.count(MAX_CALLERS + 2), Err(2 * SECOND), "the rest share a burst of 2");
        assert_eq!(test.count(0), Ok(()), "who came before has a bucket of their own");
        assert_eq!(test.limit.limiter.len(), MAX_CALLERS);
        test.clock.advance(10 * SECOND);
        assert_eq!(test.count(MAX_CALLERS + 2), Ok(()));
        assert_eq!(test.limit.limiter.len(), 1);
    }
}
