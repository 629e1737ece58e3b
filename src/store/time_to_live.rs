//! How long an answer may be given from memory.

use std::fmt;
use std::time::Duration;

use crate::model::payment::PaymentStatus;

/// The longest time for which a refused payment token is remembered. It is short, because
/// an access token that has expired gets the same 401.
pub(crate) const LONGEST_REFUSAL: Duration = Duration::from_secs(10);

/// How long an answer of one status is kept.
#[derive(Clone, Copy)]
pub(crate) struct Lifetime {
    pub(crate) total: Duration,
    /// Until here an answer is not near its end, whatever its own end is. Almost every look
    /// needs this alone.
    pub(crate) young: Duration,
}

/// An answer's own end is up to one in this many parts earlier than the time says: those of
/// a thousand users that arrived at once do not end at once.
pub(crate) const SHORTENED_BY: u32 = 25;

/// It is near its end in the last of this many parts of its own time.
pub(crate) const RENEWED_IN: u32 = 10;

impl Lifetime {
    pub(crate) fn of(total: Duration) -> Self {
        let shortest = total - total / SHORTENED_BY;
        Lifetime { total, young: shortest - shortest / RENEWED_IN }
    }
}

impl fmt::Debug for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.total.fmt(f)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct TimesToLive {
    pub(crate) paid: Lifetime,
    pub(crate) trial: Lifetime,
    pub(crate) unpaid: Lifetime,
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
            paid: Lifetime::of(Duration::from_secs(600)),
            trial: Lifetime::of(Duration::from_secs(120)),
            unpaid: Lifetime::of(Duration::from_secs(10)),
            refused: LONGEST_REFUSAL,
            stale: Duration::ZERO,
        }
    }
}

impl TimesToLive {
    pub(crate) fn of(&self, status: &PaymentStatus) -> Lifetime {
        match status {
            PaymentStatus::Paid => self.paid,
            PaymentStatus::Trial => self.trial,
            PaymentStatus::Unpaid => self.unpaid,
            PaymentStatus::NotSupported | PaymentStatus::Unknown(_) => Lifetime::of(Duration::ZERO),
        }
    }

    /// How long it may be of use to anybody, in an outage too.
    #[cfg(feature = "redis")]
    pub(crate) fn longest_of(&self, status: &PaymentStatus) -> Duration {
        match status {
            PaymentStatus::Paid | PaymentStatus::Trial => {
                self.of(status).total.saturating_add(self.stale)
            }
            _ => self.of(status).total,
        }
    }
}
