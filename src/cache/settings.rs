//! Settings of [`Entitlements`]: how long an answer is good for, and how many
//! are kept.

use std::time::Duration;

use super::Entitlements;
use crate::{Client, PaymentStatus};

/// Settings for [`Entitlements`]; made by [`Entitlements::builder`].
///
/// | Setting | Default | Why |
/// |---|---|---|
/// | [`paid_for`](Self::paid_for) | 10 minutes | how long a refund or a lapse may go unseen |
/// | [`trial_for`](Self::trial_for) | 2 minutes | trials end by themselves |
/// | [`unpaid_for`](Self::unpaid_for) | 10 seconds | a purchase has to show within seconds; a new payment token shows it at once |
/// | [`stale_if_error`](Self::stale_if_error) | zero: never | whether an outage of Figma's is yours |
/// | [`max_entries`](Self::max_entries) | 100,000 | bounds the memory |
///
/// A time of zero keeps no such answer; a status that is unknown or not supported
/// is never kept. Times count from the question, by tokio's clock and by the
/// calendar, whichever says that more has passed.
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
    times: Times,
    max_entries: u64,
}

/// How long an answer is good for, and beyond that in an outage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    paid: Duration,
    trial: Duration,
    unpaid: Duration,
    pub(super) stale: Duration,
}

impl Times {
    pub(super) fn good_for(&self, status: &PaymentStatus) -> Duration {
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
        let times = Times {
            paid: Duration::from_secs(600),
            trial: Duration::from_secs(120),
            unpaid: Duration::from_secs(10),
            stale: Duration::ZERO,
        };
        EntitlementsBuilder { client, times, max_entries: 100_000 }
    }

    /// How long PAID is good.
    pub fn paid_for(mut self, time: Duration) -> Self {
        self.times.paid = time;
        self
    }

    /// How long TRIAL is good.
    pub fn trial_for(mut self, time: Duration) -> Self {
        self.times.trial = time;
        self
    }

    /// How long UNPAID is good.
    pub fn unpaid_for(mut self, time: Duration) -> Self {
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

    /// How many answers are kept; those least used go first.
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    /// Makes it, with nothing in memory.
    pub fn build(self) -> Entitlements {
        let times = self.times;
        let longest = times.paid.max(times.trial).max(times.unpaid).saturating_add(times.stale);
        // Beyond a thousand years the cache's own clock would overflow.
        let longest = longest.min(Duration::from_secs(365 * 24 * 60 * 60));
        // What was forgotten or refused is remembered while an older answer to the
        // same question may be on its way.
        let longest = longest.max(Duration::from_secs(60));
        Entitlements::with(self.client, times, self.max_entries, longest)
    }
}
