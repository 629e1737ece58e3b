//! The rate limits that the user of the client sets.

use super::bucket::Rate;
use crate::client::times::MINUTE;

/// How often the client may ask, retries included. Each way of asking has its own
/// limit: requests a minute, and a burst that may be sent at once.
///
/// No limit is set by default. Then the client is limited only after
/// [`get_payments_all`](crate::Client::get_payments_all) met a 429, and for five
/// minutes.
///
/// Figma's documentation (payments, rate limits) grants 300 requests a minute by
/// payment token. By user and resource it grants up to 10 for View and Collab seats,
/// and 50, 100 or 150 for Dev and Full seats, depending on the plan. One copy of that
/// page gives the limits by user for payment tokens too; nobody here has seen which of
/// them holds. Figma counts all processes of an account together, but a client knows
/// only its own requests: divide the limit among your processes, or let them share it in a
/// Redis (feature `redis`).
///
/// Figma's limits are leaky buckets, and so are these. A request is sent at once if the
/// bucket has room. Otherwise the call waits for a slot, first come, first served. If
/// its slot would come after its [deadline](crate::ClientBuilder::deadline), the call
/// fails at once with [`RateLimited`](crate::ErrorKind::RateLimited) and sends nothing.
/// The size of Figma's bucket is not documented. This one has room for the requests of
/// one minute, unless you set a burst.
///
/// If Figma answers 429 all the same, its limit is lower, or others use it too. The
/// client then slows down: each 429 reduces the rate to 0.5 to 0.8 of what it was, but
/// not below a tenth of the setting, and there is no burst. Five minutes after the last
/// 429 it is back to the setting.
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

    /// How many requests by payment token may be sent at once after a quiet time. The
    /// default is the limit of one minute. 0 counts as 1.
    pub fn by_token_burst(mut self, requests: u32) -> Self {
        self.by_token.burst = Some(requests);
        self
    }

    /// How many requests by user and resource may be sent at once after a quiet time.
    /// The default is the limit of one minute. 0 counts as 1.
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
