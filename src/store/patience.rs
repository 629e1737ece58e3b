//! How long one call waits for a store outside of this process.

#[cfg(feature = "redis")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "redis")]
use std::time::Duration;

/// The time that is left for all looks of one call together. Memory needs none.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    #[cfg(feature = "redis")]
    left: AtomicU64,
}

#[cfg(feature = "redis")]
impl Patience {
    pub(crate) fn of(time: Duration) -> Self {
        Patience { left: AtomicU64::new(microseconds(time)) }
    }

    pub(crate) fn left(&self) -> Duration {
        let left = self.left.load(Ordering::Relaxed);
        Duration::from_micros(if left == OVER { 0 } else { left })
    }

    /// Whether the store is left out for the rest of the call.
    pub(crate) fn is_over(&self) -> bool {
        self.left.load(Ordering::Relaxed) == OVER
    }

    /// A look had no answer: the store is left out for the rest of the call.
    pub(crate) fn end(&self) {
        self.left.store(OVER, Ordering::Relaxed);
    }

    /// A look has taken this long.
    pub(crate) fn spend(&self, time: Duration) {
        if !self.is_over() {
            let left = self.left.load(Ordering::Relaxed).saturating_sub(microseconds(time));
            self.left.store(left, Ordering::Relaxed);
        }
    }
}

#[cfg(feature = "redis")]
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(OVER).min(OVER - 1)
}

/// In place of the time that is left.
#[cfg(feature = "redis")]
const OVER: u64 = u64::MAX;

impl Clone for Patience {
    fn clone(&self) -> Self {
        Patience {
            #[cfg(feature = "redis")]
            left: AtomicU64::new(self.left.load(Ordering::Relaxed)),
        }
    }
}
