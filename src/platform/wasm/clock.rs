//! Time, chance, and waking somebody up, as the host allows it; the names are
//! those of `src/clock.rs`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use gloo_timers::future::TimeoutFuture;
use send_wrapper::SendWrapper;

pub(crate) use js_sys::Math::random;
pub(crate) use web_time::Instant;

/// Tells the date, in the standard library's type.
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
        // Rounded up, and no more than a host's timer can wait for at once.
        let millis = left.as_micros().div_ceil(1000).min(i32::MAX as u128) as u32;
        SendWrapper::new(TimeoutFuture::new(millis)).await;
    }
}

/// Wakes nobody. Workers let no request touch the timers and connections of
/// another, and whoever is woken by another request goes on as a part of it, and
/// ends with it. So whoever waits looks for themselves.
#[derive(Default)]
pub(crate) struct Wakeup;

/// How often somebody looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Wakeup {
    pub(crate) fn wake(&self) {}

    /// Returns at this time, or earlier.
    pub(crate) async fn wait_until(&self, time: Instant) {
        sleep_until(time.min(Instant::now() + LOOK_EVERY)).await;
    }
}

/// The time was over first.
pub(crate) struct Elapsed;

pub(crate) async fn timeout_at<F: Future>(
    deadline: Instant,
    future: F,
) -> Result<F::Output, Elapsed> {
    let (mut future, mut timer) = (pin!(future), pin!(sleep_until(deadline)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| Err(Elapsed)),
    })
    .await
}
