//! How long an answer may be given from memory.

use std::time::Duration;

use crate::model::payment::PaymentStatus;

/// The longest time for which a refused payment token is remembered. It is short, because
/// an access token that has expired gets the same 401.
pub(crate) const LONGEST_REFUSAL: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
pub(crate) struct TimesToLive {
    pub(crate) paid: Duration,
    pub(crate) trial: Duration,
    pub(crate) unpaid: Duration,
    /// A payment token that Figma refused.
    pub(crate) refused: Duration,
    /// How much longer PAID and TRIAL may be given in an outage.
    pub(crate) stale: Duration,
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
    pub(crate) fn of(&self, status: &PaymentStatus) -> Duration {
        match status {
            PaymentStatus::Paid => self.paid,
            PaymentStatus::Trial => self.trial,
            PaymentStatus::Unpaid => self.unpaid,
            PaymentStatus::NotSupported | PaymentStatus::Unknown(_) => Duration::ZERO,
        }
    }

    /// How long it may be of use to anybody, in an outage too.
    #[cfg(feature = "redis")]
    pub(crate) fn longest_of(&self, status: &PaymentStatus) -> Duration {
        match status {
            PaymentStatus::Paid | PaymentStatus::Trial => {
                self.of(status).saturating_add(self.stale)
            }
            _ => self.of(status),
        }
    }
}
