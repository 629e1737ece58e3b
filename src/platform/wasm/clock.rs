//! Clocks, random numbers and wake-ups, from the JavaScript host. `native/clock.rs` has
//! the same names.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use gloo_timers::future::TimeoutFuture;
use send_wrapper::SendWrapper;

pub(crate) use js_sys::Math::random;
pub(crate) use web_time::Instant;

/// The host's date, as the standard library's type.
pub(crate) struct Calendar;

impl Calendar {
    pub(crate) fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(js_sys::Date::now() as u64)
    }
}

pub(crate) async fn sleep(time: Duration) {
    sleep_until(Instant::now() + time).await;
}

pub(crate) async fn sleep_until(deadline: Instant) {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        // Rounded up, and at most what a host's timer can wait.
        let millis = left.as_micros().div_ceil(1000).min(i32::MAX as u128) as u32;
        SendWrapper::new(TimeoutFuture::new(millis)).await;
    }
}

/// Lets a task wait. It cannot be woken here: on Cloudflare Workers a task that another
/// request wakes runs as a part of that request, ends with it, and may not use the timers
/// and connections of its own. So a wait ends after [`POLL_INTERVAL`], and the task checks
/// for itself.
#[derive(Default)]
pub(crate) struct Wakeup;

const POLL_INTERVAL: Duration = Duration::from_millis(10);

impl Wakeup {
    pub(crate) fn wake(&self) {}

    /// Returns at this time, or earlier.
    pub(crate) async fn wait_until(&self, time: Instant) {
        sleep_until(time.min(Instant::now() + POLL_INTERVAL)).await;
    }
}

/// Lets tasks wait until something has happened. They check for themselves, like those of
/// [`Wakeup`].
#[cfg(feature = "cache")]
#[derive(Default)]
pub(crate) struct Broadcast;

#[cfg(feature = "cache")]
impl Broadcast {
    pub(crate) fn wake_all(&self) {}

    /// Waits until `check` gives a value. `None` at the deadline.
    pub(crate) async fn wait<T>(
        &self,
        deadline: Instant,
        check: impl Fn() -> Option<T>,
    ) -> Option<T> {
        loop {
            let now = Instant::now();
            if let Some(value) = check() {
                return Some(value);
            }
            if now >= deadline {
                return None;
            }
            sleep_until(deadline.min(now + POLL_INTERVAL)).await;
        }
    }
}

/// The deadline came before the future was ready.
pub(crate) struct Elapsed;

pub(crate) async fn timeout_at<F: Future>(
    deadline: Instant,
    future: F,
) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut timer = pin!(sleep_until(deadline));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| Err(Elapsed)),
    })
    .await
}
