//! Figma's two rate limits, as leaky buckets: each call pours in one drop, the
//! bucket leaks evenly, and a call that would overflow it is refused.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::query::AskedBy;

const MINUTE: Duration = Duration::from_secs(60);

/// How often an access token may ask, and what a 429 says about it
/// (developers.figma.com: payments, and rate limits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Questions by payment token in a minute; `None` for as many as you like.
    pub by_token: Option<u32>,
    /// Questions by user and resource in a minute. Figma allows up to 10 for
    /// View and Collab seats, and 50, 100 or 150, by plan, for Dev and Full
    /// seats.
    pub by_user: Option<u32>,
    /// `X-Figma-Plan-Tier`: enterprise, org, pro, starter or student.
    pub plan_tier: String,
    /// `X-Figma-Rate-Limit-Type`: low for View and Collab seats, or high.
    pub limit_type: String,
    /// `X-Figma-Upgrade-Link`.
    pub upgrade_link: String,
}

/// A Full seat on the smallest paid plan: 300 by payment token, 50 by user and
/// resource.
impl Default for Limits {
    fn default() -> Self {
        Limits {
            by_token: Some(300),
            by_user: Some(50),
            plan_tier: "pro".to_owned(),
            limit_type: "high".to_owned(),
            upgrade_link: "https://www.figma.com/pricing".to_owned(),
        }
    }
}

impl Limits {
    /// No limits, which Figma never grants.
    pub fn none() -> Self {
        Limits { by_token: None, by_user: None, ..Limits::default() }
    }

    /// A View or Collab seat: 10 a minute by user and resource.
    pub fn view_seat() -> Self {
        Limits { by_user: Some(10), limit_type: "low".to_owned(), ..Limits::default() }
    }

    fn per_minute(&self, asked_by: AskedBy) -> Option<u32> {
        match asked_by {
            AskedBy::Token => self.by_token,
            AskedBy::User => self.by_user,
        }
    }
}

/// A bucket for each access token and way of asking.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// When each bucket will have run empty.
    empty_at: HashMap<(String, AskedBy), Duration>,
}

impl Buckets {
    /// Pours in a call, or says how long until there is room for it.
    pub(super) fn pour(
        &mut self,
        limits: &Limits,
        access_token: &str,
        asked_by: AskedBy,
        now: Duration,
    ) -> Result<(), Duration> {
        let drop = match limits.per_minute(asked_by) {
            None => return Ok(()),
            Some(0) => return Err(MINUTE),
            Some(calls) => MINUTE / calls,
        };
        let empty_at = self.empty_at.entry((access_token.to_owned(), asked_by)).or_default();
        let after = now.max(*empty_at) + drop;
        // What division rounds away must not cost a call.
        let full_at = now + MINUTE;
        match after <= full_at {
            true => {
                *empty_at = after;
                Ok(())
            }
            false => Err(after - full_at),
        }
    }
}
