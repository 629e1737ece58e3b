//! Clocks, random numbers and wake-ups. `wasm/clock.rs` has the same names.

use tokio::sync::Notify;

pub(crate) use fastrand::f64 as random;
pub(crate) use std::time::SystemTime as Calendar;
pub(crate) use tokio::time::{Instant, sleep, timeout_at};

/// Wakes all tasks that wait.
#[cfg(feature = "cache")]
#[derive(Default)]
pub(crate) struct Broadcast(Notify);

#[cfg(feature = "cache")]
impl Broadcast {
    pub(crate) fn wake_all(&self) {
        self.0.notify_waiters();
    }

    /// Waits until `check` gives a value. It is called first, and after each wake. `None` at
    /// the deadline.
    pub(crate) async fn wait<T>(
        &self,
        deadline: Instant,
        check: impl Fn() -> Option<T>,
    ) -> Option<T> {
        loop {
            let mut woken = std::pin::pin!(self.0.notified());
            woken.as_mut().enable();
            if let Some(value) = check() {
                return Some(value);
            }
            timeout_at(deadline, woken).await.ok()?;
        }
    }
}

/// Wakes a waiting task.
#[derive(Default)]
pub(crate) struct Wakeup(Notify);

impl Wakeup {
    /// Ends the wait of a task. If none waits now, ends the next wait.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Returns at this time, or earlier if it is woken.
    pub(crate) async fn wait_until(&self, time: Instant) {
        // A timer takes up to a millisecond longer, even for a time in the past.
        if time > Instant::now() {
            let _ = timeout_at(time, self.0.notified()).await;
        }
    }
}
