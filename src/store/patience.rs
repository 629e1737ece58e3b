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
        Duration::from_micros(self.left.load(Ordering::Relaxed))
    }

    /// A look has taken this long.
    pub(crate) fn spend(&self, time: Duration) {
        let left = self.left.load(Ordering::Relaxed).saturating_sub(microseconds(time));
        self.left.store(left, Ordering::Relaxed);
    }
}

#[cfg(feature = "redis")]
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Clone for Patience {
    fn clone(&self) -> Self {
        Patience {
            #[cfg(feature = "redis")]
            left: AtomicU64::new(self.left.load(Ordering::Relaxed)),
        }
    }
}
