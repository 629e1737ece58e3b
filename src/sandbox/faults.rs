//! Faults on demand: for the next calls or for a share of them, from a seed, so
//! that a test repeats. On the wire they are scripts like any other.

use std::time::Duration;

use super::message::Reply;
use super::script::{Step, cut};
use crate::api::types::PaymentInformation;

/// Something that goes wrong with a call.
///
/// A [`Status`](Self::Status) takes the place of an answer before there is one:
/// no payment token is used up. All others happen to an answer that was given,
/// as a network does it: what the caller has lost is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// This status, 400 to 599, with the body that is documented for it, and
    /// for 429 with all four headers.
    Status(u16),
    /// The answer comes this much later.
    Delay(Duration),
    /// The connection is reset in place of an answer.
    Reset,
    /// The answer breaks off in the middle of its body.
    CutBody,
    /// A success is about another user than the one asked about.
    WrongUser,
    /// A success is about another resource than the one asked about.
    WrongResource,
}

/// Which calls a [`Fault`] strikes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Calls {
    /// The next calls, this many.
    Next(u32),
    /// Calls at random, until the faults are cleared.
    Share {
        /// How many of them, from 0 to 1.
        share: f64,
        /// The same seed strikes the same calls, counted from now.
        seed: u64,
    },
}

/// What was asked for, in that order.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, Strikes)>);

/// [`Calls`], while they are counted.
#[derive(Debug)]
enum Strikes {
    Next(u32),
    Share(f64, fastrand::Rng),
}

impl Strikes {
    fn this_call(&mut self) -> bool {
        match self {
            Strikes::Next(left) => {
                let strikes = *left > 0;
                *left = left.saturating_sub(1);
                strikes
            }
            Strikes::Share(share, random) => random.f64() < *share,
        }
    }
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault, calls: Calls) {
        let strikes = match calls {
            Calls::Next(calls) => Strikes::Next(calls),
            Calls::Share { share, seed } => Strikes::Share(share, fastrand::Rng::with_seed(seed)),
        };
        self.0.push((fault, strikes));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Those that strike the call which is now at hand.
    pub(super) fn strike(&mut self) -> Struck {
        let struck = self
            .0
            .iter_mut()
            .filter_map(|(fault, strikes)| strikes.this_call().then(|| fault.clone()))
            .collect();
        self.0.retain(|(_, strikes)| !matches!(strikes, Strikes::Next(0)));
        Struck(struck)
    }
}

/// The faults of one call.
pub(super) struct Struck(Vec<Fault>);

impl Struck {
    pub(super) fn status(&self) -> Option<u16> {
        self.0.iter().find_map(|fault| match fault {
            Fault::Status(status) => Some(*status),
            _ => None,
        })
    }

    /// Makes a success one about somebody or something else.
    pub(super) fn mistake(&self, mut payment: PaymentInformation) -> PaymentInformation {
        for fault in &self.0 {
            match fault {
                Fault::WrongUser => payment.user_id = another(&payment.user_id),
                Fault::WrongResource => payment.resource_id = another(&payment.resource_id),
                _ => {}
            }
        }
        payment
    }

    /// What becomes of the answer on its way.
    pub(super) fn deliver(self, reply: Reply) -> Reply {
        self.0.into_iter().fold(reply, |reply, fault| match fault {
            Fault::Delay(delay) => reply.later(delay),
            Fault::Reset => reply.instead(|_| vec![Step::Reset]),
            Fault::CutBody => reply.instead(cut),
            Fault::Status(_) | Fault::WrongUser | Fault::WrongResource => reply,
        })
    }
}

/// Another id of as many digits.
fn another(id: &str) -> String {
    let (last, rest) = match id.char_indices().last() {
        Some((at, last)) => (last.to_digit(10).unwrap_or(0), &id[..at]),
        None => (0, ""),
    };
    format!("{rest}{}", (last + 1) % 10)
}
