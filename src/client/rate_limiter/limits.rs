//! The rate limits that the user of the client sets.

use super::bucket::Rate;
use crate::client::times::MINUTE;

/// How often the client asks at most, retries included: for each of the two ways
/// of asking, requests a minute, and how many of them may go out at once.
///
/// Off by default: then only [`get_payments_all`](crate::Client::get_payments_all)
/// limits the client, for five minutes after it met a 429. Figma's documentation (payments, rate limits) grants 300 a
/// minute by payment token, and by user and resource up to 10 for View and
/// Collab seats, 50, 100 or 150 for Dev and Full seats, depending on the plan.
/// It counts a user's processes together, a client only itself: share the limit
/// out among them. One copy of that page has by payment token the same limits as
/// by user; nobody here has seen which is in force.
///
/// Figma's limits are leaky buckets, and so are these. A call that finds room in
/// the bucket goes out at once; the others wait for a slot, first come, first
/// served. One whose slot would come after its
/// [deadline](crate::ClientBuilder::deadline) fails at once, as
/// [`RateLimited`](crate::ErrorKind::RateLimited), without a request. How many requests
/// fit into Figma's bucket is not documented. This one holds what a minute allows,
/// unless you say otherwise.
///
/// A 429 that comes all the same means that the limit is lower, or used by others
/// too. The client then asks more slowly (0.5 to 0.8 of the rate, never less than a tenth
/// of what you set) and without a burst, and is back to what you set five minutes
/// after the last 429.
///
/// ```
/// use figma_payments::RateLimits;
///
/// // A Full seat on a plan with 50 a minute, shared by two processes; at most 10 at once.
/// let limits = RateLimits::default().by_user(50 / 2).by_user_burst(10);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct RateLimits {
    pub(super) by_token: Limit,
    pub(super) by_user: Limit,
}

/// The limit of one way of asking.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limit {
    /// 0 for no limit.
    pub(super) per_minute: u32,
    pub(super) burst: Option<u32>,
}

impl RateLimits {
    /// Requests a minute by payment token; 0 for no limit.
    pub fn by_token(mut self, per_minute: u32) -> Self {
        self.by_token.per_minute = per_minute;
        self
    }

    /// Requests a minute by user and resource; 0 for no limit.
    pub fn by_user(mut self, per_minute: u32) -> Self {
        self.by_user.per_minute = per_minute;
        self
    }

    /// How many requests by payment token may go out at once after a quiet time;
    /// as many as a minute allows, if not set. 0 counts as 1.
    pub fn by_token_burst(mut self, requests: u32) -> Self {
        self.by_token.burst = Some(requests);
        self
    }

    /// How many requests by user and resource may go out at once after a quiet
    /// time; as many as a minute allows, if not set. 0 counts as 1.
    pub fn by_user_burst(mut self, requests: u32) -> Self {
        self.by_user.burst = Some(requests);
        self
    }
}

impl Limit {
    pub(super) fn rate(self) -> Option<Rate> {
        let per_second = f64::from(self.per_minute) / MINUTE.as_secs_f64();
        let burst = f64::from(self.burst.unwrap_or(self.per_minute).max(1));
        (self.per_minute > 0).then_some(Rate { per_second, burst })
    }
}
