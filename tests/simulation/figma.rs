//! The simulated Figma: everybody has paid, and its limit is a leaky bucket.

use std::sync::Mutex;
use std::time::Duration;

use figma_payments::{
    ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus, Resource, UserId,
};
use tokio::time::{Instant, sleep};

/// How long a request is under way, and how long its answer.
const ONE_WAY: Duration = Duration::from_millis(75);

pub const MINUTE: Duration = Duration::from_secs(60);

pub struct Figma {
    /// The time in which its bucket loses one request.
    interval: Duration,
    /// What the bucket holds, as time: one request more than the client's burst.
    capacity: Duration,
    state: Mutex<State>,
}

struct State {
    empty_at: Instant,
    calls: Calls,
}

/// The requests that have arrived.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calls {
    pub all: u32,
    /// Those that were answered 429.
    pub too_many: u32,
}

impl Figma {
    pub fn new(per_minute: u32) -> Self {
        let interval = MINUTE / per_minute;
        let state = State { empty_at: Instant::now(), calls: Calls::default() };
        Figma { interval, capacity: interval * (per_minute + 1), state: Mutex::new(state) }
    }

    pub async fn answer(&self, query: &PaymentQuery) -> Result<PaymentInformation, ErrorKind> {
        sleep(ONE_WAY).await;
        let is_granted = self.arrives();
        sleep(ONE_WAY).await;
        match query.user() {
            Some(user) if is_granted => Ok(paid(user)),
            _ => Err(ErrorKind::RateLimited),
        }
    }

    fn arrives(&self) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap();
        let empty_at = state.empty_at.max(now) + self.interval;
        let is_granted = empty_at <= now + self.capacity;
        state.calls.all += 1;
        match is_granted {
            true => state.empty_at = empty_at,
            false => state.calls.too_many += 1,
        }
        is_granted
    }

    pub fn calls(&self) -> Calls {
        self.state.lock().unwrap().calls
    }
}

pub fn plugin() -> Resource {
    Resource::plugin("1122334455").expect("it is a number")
}

pub fn paid(user: &UserId) -> PaymentInformation {
    PaymentInformation::new(user, &plugin(), PaymentStatus::Paid)
}
