//! An answer that is kept, and the attempt that brought it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::order::Sequence;
#[cfg(feature = "redis")]
use super::redis::value::Ticket;
use super::time_to_live::{RENEWED_IN, SHORTENED_BY, TimesToLive};
use crate::api::types::PaymentInformation;
use crate::platform::clock::{Calendar, Instant};

/// An answer of Figma's, and when it was asked for.
#[derive(Debug)]
pub(crate) struct CachedAnswer {
    pub(crate) payment: Arc<PaymentInformation>,
    /// An answer with access counts from when its attempt was sent, a denial from when
    /// it arrived.
    pub(crate) sequence: Sequence,
    /// The attempt that brought it.
    pub(crate) sent: Sent,
}

impl CachedAnswer {
    /// The longer of two ages: by the process's clock and by the system's date, because the
    /// process's clock stops while a machine is suspended.
    fn age(&self) -> Duration {
        let by_date = Calendar::now().duration_since(self.sent.date);
        self.sent.at.elapsed().max(by_date.unwrap_or_default())
    }

    /// Whether it may be given, and whether it is time to renew it.
    #[inline]
    pub(crate) fn freshness(&self, times: &TimesToLive) -> Freshness {
        let lifetime = times.of(&self.payment.payment_status);
        let age = self.age();
        match age < lifetime.young {
            true => Freshness::Young,
            false => self.freshness_near_its_end(age, lifetime.total),
        }
    }

    #[cold]
    fn freshness_near_its_end(&self, age: Duration, total: Duration) -> Freshness {
        let ends = total - self.sequence.share_of(total / SHORTENED_BY);
        if age >= ends {
            Freshness::Old
        } else if age >= ends - ends / RENEWED_IN {
            Freshness::NearItsEnd
        } else {
            Freshness::Young
        }
    }

    /// Whether it may be given in an outage, when it is stale.
    pub(crate) fn is_valid_in_outage(&self, times: &TimesToLive) -> bool {
        let lifetime = times.of(&self.payment.payment_status);
        let longest = lifetime.total.saturating_add(times.stale);
        self.payment.grants_access() && !times.stale.is_zero() && self.age() < longest
    }
}

/// How old an answer is, in its time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    Young,
    /// It may still be given, and will have to be asked for again soon.
    NearItsEnd,
    Old,
}

#[cfg(feature = "redis")]
impl Within {
    pub(crate) fn is_outage(self, number: u64) -> bool {
        matches!(self, Within::Outage(outage) if outage == number)
    }
}

/// An attempt that was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Its number in this process.
    pub(crate) sequence: Sequence,
    pub(crate) at: Instant,
    pub(crate) date: SystemTime,
    #[cfg(feature = "redis")]
    pub(crate) within: Within,
}

/// What the number of an attempt may be compared with.
#[cfg(feature = "redis")]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Within {
    /// The order that all processes share.
    Order(Ticket),
    /// This process, as long as this outage lasts.
    Outage(u64),
}

impl Sent {
    /// An attempt that is sent now, with this number in this process.
    pub(crate) fn now(sequence: Sequence) -> Self {
        Sent {
            sequence,
            at: Instant::now(),
            date: Calendar::now(),
            #[cfg(feature = "redis")]
            within: Within::Outage(0),
        }
    }

    /// An attempt that was sent some time ago.
    pub(crate) fn ago(age: Duration, sequence: Sequence) -> Self {
        Sent::now(sequence).moved_back(age)
    }

    pub(crate) fn moved_back(self, age: Duration) -> Self {
        let at = self.at.checked_sub(age).unwrap_or(self.at);
        let date = self.date.checked_sub(age).unwrap_or(self.date);
        Sent { at, date, ..self }
    }
}

/// An answer that has arrived.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) answer: Arc<CachedAnswer>,
    /// Whether it is certain that no denial arrived while it was under way.
    pub(crate) undisputed: bool,
}
