//! How long an answer may be given from memory.

use std::time::Duration;

use crate::model::payment::PaymentStatus;

/// The longest time for which a refused payment token is remembered. It is short, because
/// an access token that has expired gets the same 401.
pub(super) const LONGEST_REFUSAL: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
pub(super) struct TimesToLive {
    pub(super) paid: Duration,
    pub(super) trial: Duration,
    pub(super) unpaid: Duration,
    /// A payment token that Figma refused.
    pub(super) refused: Duration,
    /// How much longer PAID and TRIAL may be given in an outage.
    pub(super) stale: Duration,
}

/// The reasons are in the documentation of
/// [`EntitlementsBuilder`](crate::EntitlementsBuilder).
impl Default for TimesToLive {
    fn default() -> Self {
        TimesToLive {
            paid: Duration::from_secs(600),
            trial: Duration::from_secs(120),
            unpaid: Duration::from_secs(10),
            refused: LONGEST_REFUSAL,
            stale: Duration::ZERO,
        }
    }
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
