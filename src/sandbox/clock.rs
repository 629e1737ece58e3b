//! The sandbox's time: the machine's, moved by hand, or by hand alone.

use std::time::{Duration, Instant};

/// No clock goes further, so that sums of times do not overflow: a thousand years.
const FAR: Duration = Duration::from_secs(1000 * 366 * 86_400);

/// Time since the sandbox began.
#[derive(Debug)]
pub(super) struct Clock {
    running_since: Option<Instant>,
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
        self.moved = self.moved.saturating_add(by).min(FAR);
    }

    /// From here on only [`advance`](Self::advance) moves it.
    pub(super) fn stop(&mut self) {
        *self = Clock { moved: self.now(), running_since: None };
    }
}
