//! The rate limiter: it keeps to the limits that are set, and to the pause that a 429
//! asks for. All clones of a client share it. Each way of asking has its own.
//!
//! `local.rs` is that of one process; `fleet.rs` puts in front of it what several processes
//! share.

mod bucket;
#[cfg(feature = "redis")]
pub(crate) mod fleet;
#[cfg(test)]
mod histories;
pub(crate) mod limits;
mod local;
#[cfg(test)]
mod tests;
pub(crate) mod wait_policy;
mod waiters;

use std::time::Duration;

#[cfg(feature = "redis")]
use self::fleet::{AttemptOutcome, FleetLimiter};
use self::limits::{Limit, RateLimits};
use self::local::LocalLimiter;
use self::wait_policy::WaitPolicy;
use crate::client::times::A_YEAR;
use crate::error::Error;
use crate::model::query::AskedBy;
use crate::platform::clock::Instant;
#[cfg(feature = "redis")]
use crate::store::redis::limit::SharedLimit;

/// The rate limiters of a client, one for each way of asking.
pub(super) struct RateLimiters {
    by_token: RateLimiter,
    by_user: RateLimiter,
}

impl RateLimiters {
    pub(super) fn new(limits: RateLimits) -> Self {
        RateLimiters {
            by_token: RateLimiter::new(AskedBy::Token, limits.by_token),
            by_user: RateLimiter::new(AskedBy::User, limits.by_user),
        }
    }

    /// The same limits, shared with other processes.
    #[cfg(feature = "redis")]
    pub(super) fn shared(mut self, limit_of: impl Fn(AskedBy) -> SharedLimit) -> Self {
        for limiter in [&mut self.by_token, &mut self.by_user] {
            limiter.fleet = Some(FleetLimiter::new(limit_of(limiter.local.asked_by)));
        }
        self
    }

    pub(super) fn of(&self, asked_by: AskedBy) -> &RateLimiter {
        match asked_by {
            AskedBy::Token => &self.by_token,
            AskedBy::User => &self.by_user,
        }
    }
}

/// The rate limiter of one way of asking.
pub(super) struct RateLimiter {
    local: LocalLimiter,
    /// What several processes share, if they do.
    #[cfg(feature = "redis")]
    fleet: Option<FleetLimiter>,
}

impl RateLimiter {
    fn new(asked_by: AskedBy, set: Limit) -> Self {
        RateLimiter {
            local: LocalLimiter::new(asked_by, set),
            #[cfg(feature = "redis")]
            fleet: None,
        }
    }

    /// Waits for a slot, takes it, and returns the time: the request may be sent now.
    ///
    /// Fails at once if the slot would come too late for the deadline. With
    /// [`WaitPolicy::Batch`] the deadline does not matter.
    ///
    /// Cancel-safe: a call that is dropped blocks no other call. One that is no longer
    /// polled blocks the others for a second at most.
    pub(super) async fn acquire(
        &self,
        wait: WaitPolicy,
        now: Instant,
        deadline: Instant,
    ) -> Result<Instant, Error> {
        let deadline = match wait {
            WaitPolicy::Reserved(slot) => return Ok(slot),
            WaitPolicy::Deadline => deadline,
            WaitPolicy::Batch => now + 2 * A_YEAR,
        };
        #[cfg(feature = "redis")]
        if let Some(fleet) = &self.fleet {
            return Box::pin(fleet.acquire(&self.local, wait, now, deadline)).await;
        }
        self.local.acquire(wait, now, deadline).await
    }

    /// Takes a slot if one is free and nobody waits for it.
    #[cfg(feature = "cache")]
    pub(super) async fn acquire_if_idle(&self) -> Option<WaitPolicy> {
        #[cfg(feature = "redis")]
        if let Some(fleet) = self.deciding_fleet() {
            return fleet.acquire_if_idle(&self.local).await;
        }
        self.local.acquire_if_idle()
    }

    /// A request that was sent at `sent` was answered, and not with 429.
    pub(super) fn on_response(&self, sent: Instant) {
        #[cfg(feature = "redis")]
        if self.deciding_fleet().is_some() {
            return;
        }
        self.local.on_response(sent);
    }

    /// A request that was sent at `sent` was answered 429. If there is a pause, it
    /// replaces an earlier one, even if it is shorter: the newest 429 counts.
    pub(super) fn on_too_many_requests(
        &self,
        wait: WaitPolicy,
        sent: Instant,
        error: &Error,
        pause: Option<Duration>,
    ) {
        #[cfg(feature = "redis")]
        if self.deciding_fleet().is_some() {
            return;
        }
        self.local.on_too_many_requests(wait, sent, error, pause);
    }

    /// Tells the other processes what an attempt says about the limit.
    #[cfg(feature = "redis")]
    pub(super) async fn tell_fleet(&self, wait: WaitPolicy, sent: Instant, told: AttemptOutcome) {
        if let Some(fleet) = self.deciding_fleet() {
            fleet.tell(&self.local, wait, sent, told).await;
        }
    }

    /// What several processes share, if Redis decides now.
    #[cfg(feature = "redis")]
    fn deciding_fleet(&self) -> Option<&FleetLimiter> {
        self.fleet.as_ref().filter(|fleet| fleet.decides(&self.local))
    }
}
