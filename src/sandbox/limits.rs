//! Figma's two rate limits, as leaky buckets: each request adds one drop, the bucket leaks
//! evenly, and a request that would overflow it is refused.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::model::query::AskedBy;

const MINUTE: Duration = Duration::from_secs(60);

/// How many queries a minute are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quota {
    /// All of them. No plan of Figma's has that.
    Unlimited,
    /// This many. Make one with [`Quota::per_minute`].
    PerMinute(NonZeroU32),
    /// None: every query is answered 429.
    RefuseAll,
}

impl Quota {
    /// This many queries a minute.
    ///
    /// # Panics
    ///
    /// If it is 0. Use [`RefuseAll`](Self::RefuseAll) or
    /// [`Unlimited`](Self::Unlimited).
    pub fn per_minute(queries: u32) -> Self {
        let queries = NonZeroU32::new(queries);
        Quota::PerMinute(queries.expect(
            "`Quota::per_minute(0)` may mean two things; use `Quota::RefuseAll` or `Quota::Unlimited`",
        ))
    }
}

/// The rate limits of the sandbox: how often an access token may ask, and what a 429
/// says about it (developers.figma.com: payments, and rate limits).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FigmaLimits {
    /// Queries by payment token.
    pub by_token: Quota,
    /// Queries by user and resource. Figma's documentation allows up to 10 a minute for View and
    /// Collab seats, and 50, 100 or 150, by plan, for Dev and Full seats.
    pub by_user: Quota,
    /// `X-Figma-Plan-Tier`: enterprise, org, pro, starter or student.
    pub plan_tier: String,
    /// `X-Figma-Rate-Limit-Type`: low for View and Collab seats, or high.
    pub limit_type: String,
    /// `X-Figma-Upgrade-Link`.
    pub upgrade_link: String,
}

/// A Full seat on the smallest paid plan: 300 a minute by payment token, 50 by user and
/// resource.
impl Default for FigmaLimits {
    fn default() -> Self {
        FigmaLimits {
            by_token: Quota::per_minute(300),
            by_user: Quota::per_minute(50),
            plan_tier: "pro".to_owned(),
            limit_type: "high".to_owned(),
            upgrade_link: "https://www.figma.com/pricing".to_owned(),
        }
    }
}

impl FigmaLimits {
    /// No limits. No plan of Figma's has that.
    pub fn none() -> Self {
        FigmaLimits {
            by_token: Quota::Unlimited,
            by_user: Quota::Unlimited,
            ..FigmaLimits::default()
        }
    }

    /// A View or Collab seat: 10 a minute by user and resource.
    pub fn view_seat() -> Self {
        FigmaLimits {
            by_user: Quota::per_minute(10),
            limit_type: "low".to_owned(),
            ..FigmaLimits::default()
        }
    }

    /// The quota for this way of asking.
    pub fn quota(&self, asked_by: AskedBy) -> Quota {
        match asked_by {
            AskedBy::Token => self.by_token,
            AskedBy::User => self.by_user,
        }
    }
}

/// A bucket for each access token and way of asking.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// When each bucket will be empty.
    empty_at: HashMap<(String, AskedBy), Duration>,
}

impl Buckets {
    /// Adds a request. If the bucket has no room, returns how long to wait for it.
    pub(super) fn add(
        &mut self,
        limits: &FigmaLimits,
        access_token: &str,
        asked_by: AskedBy,
        now: Duration,
    ) -> Result<(), Duration> {
        let drop = match limits.quota(asked_by) {
            Quota::Unlimited => return Ok(()),
            Quota::RefuseAll => return Err(MINUTE),
            Quota::PerMinute(queries) => MINUTE / queries.get(),
        };
        let empty_at = self.empty_at.entry((access_token.to_owned(), asked_by)).or_default();
        let after = now.max(*empty_at) + drop;
        // A minute, and not `drop` times the quota, which rounding makes shorter.
        let full_at = now + MINUTE;
        match after <= full_at {
            true => {
                *empty_at = after;
                Ok(())
            }
            false => Err(after - full_at),
        }
    }

    /// How many queries the fullest bucket for this way of asking holds.
    pub(super) fn used(&self, limits: &FigmaLimits, asked_by: AskedBy, now: Duration) -> u32 {
        let Quota::PerMinute(queries) = limits.quota(asked_by) else { return 0 };
        let of_this_way = self.empty_at.iter().filter(|((_, by), _)| *by == asked_by);
        let empty_at = of_this_way.map(|(_, empty_at)| *empty_at).max().unwrap_or_default();
        let minutes = empty_at.saturating_sub(now).as_secs_f64() / MINUTE.as_secs_f64();
        // Without the rounding of `drop`, which would add up to a query.
        (minutes * f64::from(queries.get()) - 1e-6).ceil() as u32
    }
}
