//! The sandbox's clock. It runs, can be moved forward, and can be stopped.

use std::time::{Duration, Instant};

/// A thousand years. The clock goes no further, so that adding times cannot overflow.
const MAX_TIME: Duration = Duration::from_secs(1000 * 366 * 86_400);

/// Time since the sandbox began.
#[derive(Debug)]
pub(super) struct Clock {
    running_since: Option<Instant>,
    /// The time that was added by [`advance`](Self::advance), or at which it was stopped.
    moved: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { running_since: Some(Instant::now()), moved: Duration::ZERO }
    }
}

impl Clock {
    pub(super) fn now(&self) -> Duration {
        self.moved + self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.moved = self.moved.saturating_add(by).min(MAX_TIME);
    }

    /// From now on only [`advance`](Self::advance) moves the clock.
    pub(super) fn stop(&mut self) {
        *self = Clock { moved: self.now(), running_since: None };
    }
}
