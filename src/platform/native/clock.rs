//! Time, chance, and waking somebody up. `wasm/clock.rs` has the same names.

use tokio::sync::Notify;

pub(crate) use fastrand::f64 as random;
pub(crate) use std::time::SystemTime as Calendar;
pub(crate) use tokio::time::{Instant, sleep, timeout_at};

/// Wakes the one who waits for it.
#[derive(Default)]
pub(crate) struct Wakeup(Notify);

impl Wakeup {
    /// Ends a wait, or the next one if nobody waits now.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Returns at this time, or earlier.
    pub(crate) async fn wait_until(&self, time: Instant) {
        // A timer is late by up to a millisecond, also one for the past.
        if time > Instant::now() {
            let _ = timeout_at(time, self.0.notified()).await;
        }
    }
}
