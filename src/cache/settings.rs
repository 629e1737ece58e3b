//! Settings of [`Entitlements`]: how long an answer is good for, and how many
//! are kept.

use std::time::Duration;

use super::Entitlements;
use crate::client::Client;
use crate::model::payment::PaymentStatus;

/// Settings for [`Entitlements`]; made by [`Entitlements::builder`].
///
/// | Setting | Default | Why |
/// |---|---|---|
/// | [`paid_ttl`](Self::paid_ttl) | 10 minutes | how long a refund or a lapse may go unseen |
/// | [`trial_ttl`](Self::trial_ttl) | 2 minutes | trials end by themselves |
/// | [`unpaid_ttl`](Self::unpaid_ttl) | 10 seconds | a purchase has to show within seconds; a new payment token shows it at once |
/// | [`stale_if_error`](Self::stale_if_error) | zero: never | whether an outage of Figma's is yours |
/// | [`max_entries`](Self::max_entries) | 100,000 | bounds the memory |
///
/// A time of zero keeps no such answer; a status that is unknown or not supported
/// is never kept. Times count from when the request went out, by tokio's clock and by
/// the calendar, whichever says that more has passed.
///
/// ```no_run
/// use std::time::Duration;
/// use figma_payments::{Client, Entitlements};
///
/// fn entitlements(client: Client) -> Entitlements {
///     Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build()
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct EntitlementsBuilder {
    client: Client,
    times: TimesToLive,
    max_entries: u64,
}

/// How long an answer is good for, and beyond that in an outage.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimesToLive {
    paid: Duration,
    trial: Duration,
    unpaid: Duration,
    pub(super) stale: Duration,
}

impl TimesToLive {
    pub(super) fn of(&self, status: &PaymentStatus) -> Duration {
        match status {
            PaymentStatus::Paid => self.paid,
            PaymentStatus::Trial => self.trial,
            PaymentStatus::Unpaid => self.unpaid,
            PaymentStatus::NotSupported | PaymentStatus::Unknown(_) => Duration::ZERO,
        }
    }
}

impl EntitlementsBuilder {
    pub(super) fn new(client: Client) -> Self {
        let times = TimesToLive {
            paid: Duration::from_secs(600),
            trial: Duration::from_secs(120),
            unpaid: Duration::from_secs(10),
            stale: Duration::ZERO,
        };
        EntitlementsBuilder { client, times, max_entries: 100_000 }
    }

    /// How long PAID is good.
    pub fn paid_ttl(mut self, time: Duration) -> Self {
        self.times.paid = time;
        self
    }

    /// How long TRIAL is good.
    pub fn trial_ttl(mut self, time: Duration) -> Self {
        self.times.trial = time;
        self
    }

    /// How long UNPAID is good.
    pub fn unpaid_ttl(mut self, time: Duration) -> Self {
        self.times.unpaid = time;
        self
    }

    /// For how long beyond its time a PAID or TRIAL is given again when Figma
    /// cannot be reached, answers 5xx or 429. Never after 400, 401, 403 or any
    /// other refusal, which also ends it for later outages.
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.times.stale = time;
        self
    }

    /// How many answers are kept, and of how many payment tokens it is known whom
    /// they are about; those least used go first.
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    #[cfg(test)]
    pub(super) fn times(&self) -> &TimesToLive {
        &self.times
    }

    /// Makes it, with nothing in memory.
    pub fn build(self) -> Entitlements {
        Entitlements::with(self.client, self.times, self.max_entries)
    }
}
