//! Faults that a test injects: for the next calls, for all, or for a random share of them. The
//! random choice has a seed, so that a test is repeatable.

use std::time::Duration;

use super::message::Reply;
use super::script::{Step, cut_body};
use crate::api::types::PaymentInformation;

/// Something that goes wrong with a call.
///
/// [`Status`](Self::Status) and [`RateLimited`](Self::RateLimited) are answered before the
/// query is looked at, so they use up no payment token. All other faults happen to an answer
/// on its way to the client, like faults of a network, so the payment token is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Answers with this status, from 400 to 599, and with the body that is documented for
    /// it. A 429 has all four headers.
    Status(u16),
    /// Answers 429 with this `Retry-After`, rounded up to seconds. Figma has asked for days.
    RateLimited(Duration),
    /// The answer is delayed by this time.
    Delay(Duration),
    /// The connection is reset instead of an answer.
    Reset,
    /// The answer ends in the middle of its body.
    CutBody,
    /// A success is about another user than the query.
    WrongUser,
    /// A success is about another resource than the query.
    WrongResource,
}

/// Which calls a [`Fault`] applies to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Calls {
    /// This many calls, from now on.
    Next(u32),
    /// Every call from now on, until the fault is removed.
    All,
    /// Random calls, until the fault is removed.
    Share {
        /// The share of calls, from 0 to 1.
        share: f64,
        /// With the same seed, the same calls have the fault, counted from now.
        seed: u64,
    },
}

/// A fault that was injected, and still applies to calls.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InjectedFault {
    /// What [`Figma::inject`](super::Figma::inject) returned.
    pub id: u64,
    /// The fault.
    pub fault: Fault,
    /// The calls that it still applies to.
    pub calls: Calls,
}

/// The faults that were injected, in that order.
#[derive(Debug, Default)]
pub(super) struct Faults {
    injected: Vec<Scheduled>,
    count: u64,
}

/// A fault with the calls that are left.
#[derive(Debug)]
struct Scheduled {
    injected: InjectedFault,
    /// For a share of the calls.
    random: fastrand::Rng,
}

impl Scheduled {
    /// Whether the fault applies to the next call, which is counted.
    fn next_call(&mut self) -> bool {
        match &mut self.injected.calls {
            Calls::Next(left) => {
                let applies = *left > 0;
                *left = left.saturating_sub(1);
                applies
            }
            Calls::All => true,
            Calls::Share { share, .. } => self.random.f64() < *share,
        }
    }
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault, calls: Calls) -> u64 {
        let seed = match calls {
            Calls::Share { seed, .. } => seed,
            Calls::Next(_) | Calls::All => 0,
        };
        self.count += 1;
        let injected = InjectedFault { id: self.count, fault, calls };
        self.injected.push(Scheduled { injected, random: fastrand::Rng::with_seed(seed) });
        self.drop_used_up();
        self.count
    }

    /// Those that still apply to calls.
    pub(super) fn all(&self) -> Vec<InjectedFault> {
        self.injected.iter().map(|scheduled| scheduled.injected.clone()).collect()
    }

    /// Whether there was a fault with this id.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.injected.len();
        self.injected.retain(|scheduled| scheduled.injected.id != id);
        self.injected.len() < before
    }

    pub(super) fn clear(&mut self) {
        self.injected.clear();
    }

    /// The faults of the next call.
    pub(super) fn of_next_call(&mut self) -> CallFaults {
        let of_call = |scheduled: &mut Scheduled| {
            scheduled.next_call().then(|| scheduled.injected.fault.clone())
        };
        let faults = self.injected.iter_mut().filter_map(of_call).collect();
        self.drop_used_up();
        CallFaults(faults)
    }

    fn drop_used_up(&mut self) {
        self.injected.retain(|scheduled| scheduled.injected.calls != Calls::Next(0));
    }
}

/// The status that a fault answers with.
pub(super) struct FaultStatus {
    pub(super) status: u16,
    /// For a 429; `None` for the documented minute.
    pub(super) retry_after: Option<Duration>,
}

/// The faults of one call.
pub(super) struct CallFaults(Vec<Fault>);

impl CallFaults {
    /// The status to answer with, if one was injected.
    pub(super) fn status(&self) -> Option<FaultStatus> {
        self.0.iter().find_map(|fault| match fault {
            Fault::Status(status) => Some(FaultStatus { status: *status, retry_after: None }),
            Fault::RateLimited(wait) => Some(FaultStatus { status: 429, retry_after: Some(*wait) }),
            _ => None,
        })
    }

    /// Changes the user or the resource of a success.
    pub(super) fn apply_to_success(&self, mut payment: PaymentInformation) -> PaymentInformation {
        for fault in &self.0 {
            match fault {
                Fault::WrongUser => payment.user_id = different_id(&payment.user_id),
                Fault::WrongResource => payment.resource_id = different_id(&payment.resource_id),
                _ => {}
            }
        }
        payment
    }

    /// Delays, cuts or replaces the reply.
    pub(super) fn apply_to_reply(self, reply: Reply) -> Reply {
        self.0.into_iter().fold(reply, |reply, fault| match fault {
            Fault::Delay(delay) => reply.later(delay),
            Fault::Reset => reply.replaced_by(|_| vec![Step::Reset]),
            Fault::CutBody => reply.replaced_by(cut_body),
            Fault::Status(_) | Fault::RateLimited(_) | Fault::WrongUser | Fault::WrongResource => {
                reply
            }
        })
    }
}

/// A different id of the same length.
fn different_id(id: &str) -> String {
    let mut digits = id.to_owned();
    let last = digits.pop().and_then(|last| last.to_digit(10)).unwrap_or(0);
    format!("{digits}{}", (last + 1) % 10)
}
