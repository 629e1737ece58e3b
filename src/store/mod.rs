//! Where answers are kept: in the memory of this process, or in a Redis that several
//! processes share (feature `redis`). Both do the same, and keep to the same rule of order;
//! see `order.rs`. `conformance.rs` holds both to it.

pub(crate) mod answer;
pub(crate) mod asked;
#[cfg(all(test, feature = "redis"))]
mod conformance;
pub(crate) mod memory;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
pub(crate) mod metrics;
pub(crate) mod order;
pub(crate) mod patience;
pub(crate) mod question;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod time_to_live;

use std::sync::Arc;
use std::time::SystemTime;

use self::answer::{CachedAnswer, Sent, Settled};
use self::asked::{Asked, LeaseLost};
use self::memory::Memory;
use self::order::Sequence;
use self::patience::Patience;
use self::question::{Question, Subject};
#[cfg(feature = "redis")]
use self::redis::answers::SharedAnswers;
#[cfg(feature = "redis")]
use self::redis::lease::{HeldLease, SharedLease};
use crate::api::types::PaymentInformation;
use crate::error::Error;
use crate::platform::clock::Instant;

/// The answers, and the order that decides which of them are kept.
///
/// What Redis needs is boxed where an answer is not in sight anyway, so that the futures of
/// callers stay as small as with memory.
pub(crate) enum Store {
    Memory(Memory),
    #[cfg(feature = "redis")]
    Redis(Box<SharedAnswers>),
}

/// Who asks Figma.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "memory has one process"))]
pub(crate) enum Asks {
    /// This call, and nobody else meanwhile.
    ThisCall(Lease),
    /// Another process has asked, and this is the answer.
    Answered(Settled),
    /// Another process asks, and has no answer before the deadline.
    TooLate,
}

/// The right to ask a question. Others who ask the same wait meanwhile.
pub(crate) struct Lease {
    #[cfg(feature = "redis")]
    held: Option<HeldLease>,
}

impl Store {
    /// The time that a call may spend in this store.
    pub(crate) fn patience(&self) -> Patience {
        match self {
            Store::Memory(_) => Patience::default(),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => shared.patience(),
        }
    }

    /// The answer that is kept, however old it is.
    #[inline]
    pub(crate) async fn look_up(&self, asked: Asked<'_>) -> Option<Arc<CachedAnswer>> {
        match self {
            Store::Memory(memory) => memory.look_up(asked.question),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => shared.look_up(asked).await,
        }
    }

    /// The right to ask this question. Waits while another process asks it, until the
    /// deadline.
    pub(crate) async fn lease(&self, asked: Asked<'_>, deadline: Instant) -> Asks {
        let _ = (asked, deadline);
        match self {
            Store::Memory(_) => Asks::ThisCall(Lease::of_this_process()),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => match Box::pin(shared.lease(asked, deadline)).await {
                SharedLease::Held(held) => Asks::ThisCall(Lease { held }),
                SharedLease::Answered(settled) => Asks::Answered(settled),
                SharedLease::TooLate => Asks::TooLate,
            },
        }
    }

    /// The right to ask this question, if no other process asks it now.
    pub(crate) async fn lease_if_free(&self, asked: Asked<'_>) -> Option<Lease> {
        let _ = asked;
        match self {
            Store::Memory(_) => Some(Lease::of_this_process()),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => {
                Some(Lease { held: Box::pin(shared.lease_if_free(asked)).await? })
            }
        }
    }

    /// Draws a number for an attempt that is sent now.
    pub(crate) async fn send(&self, asked: Asked<'_>, lease: &Lease) -> Result<Sent, LeaseLost> {
        let _ = (asked, lease);
        match self {
            Store::Memory(memory) => Ok(memory.send()),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => Box::pin(shared.send(asked, lease.held.as_ref())).await,
        }
    }

    /// Decides whether an answer that has arrived is kept.
    pub(crate) async fn settle(
        &self,
        asked: Asked<'_>,
        lease: &Lease,
        sent: Sent,
        payment: PaymentInformation,
    ) -> Settled {
        let _ = lease;
        match self {
            Store::Memory(memory) => memory.settle(asked.question, sent, payment),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => {
                Box::pin(shared.settle(asked, lease.held.as_ref(), sent, payment)).await
            }
        }
    }

    /// Removes the answer to a question that Figma has refused.
    pub(crate) async fn refused(&self, asked: Asked<'_>) {
        match self {
            Store::Memory(memory) => memory.refused(asked.question),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => Box::pin(shared.refused(asked)).await,
        }
    }

    /// Handles an answer that is not about what was asked. If it is a denial, it counts
    /// for the user and resource that it names.
    pub(crate) async fn mismatched(&self, payment: &PaymentInformation) {
        if let Some(subject) = Subject::of(payment).filter(|_| !payment.grants_access()) {
            // The caller gets the mismatch, which says more.
            let _ = self.invalidate(subject).await;
        }
    }

    /// Removes the answer about this user and resource. Those under way are not kept.
    pub(crate) async fn invalidate(&self, subject: Subject) -> Result<(), Error> {
        match self {
            Store::Memory(memory) => memory.invalidate(subject),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => return Box::pin(shared.invalidate(subject)).await,
        }
        Ok(())
    }

    /// Keeps an answer from elsewhere, as if it were asked for and answered now.
    pub(crate) async fn prime(&self, payment: PaymentInformation) {
        match self {
            Store::Memory(memory) => memory.prime(payment),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => Box::pin(shared.prime(payment)).await,
        }
    }

    /// Keeps an answer of this date, unless there is a newer answer or denial.
    pub(crate) async fn prime_at(&self, payment: PaymentInformation, checked_at: SystemTime) {
        match self {
            Store::Memory(memory) => memory.prime_at(payment, checked_at),
            #[cfg(feature = "redis")]
            Store::Redis(shared) => Box::pin(shared.prime_at(payment, checked_at)).await,
        }
    }

    /// The next number in the order of this process.
    pub(crate) fn now(&self) -> Sequence {
        self.of_this_process().now()
    }

    /// See [`Memory::may_have`]. What other processes know is in `settled`.
    pub(crate) fn may_have(&self, asked: Sequence, question: &Question, settled: &Settled) -> bool {
        self.of_this_process().may_have(asked, question, settled)
    }

    /// Whether no denial of this question is known in this process since `sent`.
    pub(crate) fn no_denial_since(&self, sent: Sequence, question: &Question) -> bool {
        self.of_this_process().no_denial_since(sent, question)
    }

    fn of_this_process(&self) -> &Memory {
        match self {
            Store::Memory(memory) => memory,
            #[cfg(feature = "redis")]
            Store::Redis(shared) => shared.of_this_process(),
        }
    }
}

impl Lease {
    /// Nobody else is asked for it.
    pub(crate) fn of_this_process() -> Self {
        Lease {
            #[cfg(feature = "redis")]
            held: None,
        }
    }

    /// Does this work, and keeps the lease meanwhile.
    pub(crate) async fn kept_during<T>(&self, work: impl Future<Output = T>) -> T {
        #[cfg(feature = "redis")]
        if let Some(held) = &self.held {
            return held.kept_during(work).await;
        }
        work.await
    }
}
