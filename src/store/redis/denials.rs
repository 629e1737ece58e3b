//! Denials that Redis has not heard of yet. They are told before what is kept there is believed
//! again, so that no older yes comes back with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are remembered. When there are more, everything in Redis is forgotten instead.
const MOST: usize = 1_000;

/// Who or what was denied, and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denial {
    /// As the order has it.
    pub(super) denied: String,
    /// The key of the answer, or of the payment token.
    pub(super) key: String,
    /// The key under which the answer may be handed on.
    pub(super) lease: String,
}

#[derive(Default)]
pub(super) struct Untold(Mutex<State>);

#[derive(Default)]
struct State {
    /// Each with the number of its last arrival.
    denials: HashMap<String, (u64, Denial)>,
    arrivals: u64,
    too_many: bool,
}

/// What Redis has to be told.
pub(super) enum Telling {
    Denials(Vec<(u64, Denial)>),
    /// That nothing counts any more.
    Everything,
}

impl Untold {
    /// A denial has arrived. Gives its number.
    pub(super) fn add(&self, denial: Denial) -> u64 {
        let state = &mut *self.state();
        state.arrivals += 1;
        if state.denials.len() >= MOST && !state.denials.contains_key(&denial.denied) {
            state.too_many = true;
        } else {
            state.denials.insert(denial.denied.clone(), (state.arrivals, denial));
        }
        state.arrivals
    }

    /// Redis has heard of this denial, and of none about the same that arrived later.
    pub(super) fn told(&self, arrival: u64, denied: &str) {
        let state = &mut *self.state();
        if state.denials.get(denied).is_some_and(|(last, _)| *last == arrival) {
            state.denials.remove(denied);
        }
    }

    /// All that is left to tell.
    pub(super) fn left(&self) -> Telling {
        let state = self.state();
        match state.too_many {
            true => Telling::Everything,
            false => Telling::Denials(state.denials.values().cloned().collect()),
        }
    }

    /// Redis knows that nothing counts any more.
    pub(super) fn told_everything(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(number: usize) -> Denial {
        let name = |kind: &str| format!("{kind}:{number}");
        Denial { denied: name("s"), key: name("answer"), lease: name("lease") }
    }

    fn left(untold: &Untold) -> Option<usize> {
        match untold.left() {
            Telling::Denials(denials) => Some(denials.len()),
            Telling::Everything => None,
        }
    }

    #[test]
    fn a_denial_is_left_until_it_is_told_and_a_later_one_stays() {
        let untold = Untold::default();
        let first = untold.add(denial(1));
        let second = untold.add(denial(1));
        untold.told(first, "s:1");
        assert_eq!(left(&untold), Some(1), "the second one is not told");
        untold.told(second, "s:1");
        assert_eq!(left(&untold), Some(0));
    }

    #[test]
    fn when_there_are_too_many_everything_is_forgotten() {
        let untold = Untold::default();
        for number in 0..MOST {
            untold.add(denial(number));
        }
        untold.add(denial(0));
        assert_eq!(left(&untold), Some(MOST));
        untold.add(denial(MOST));
        assert_eq!(left(&untold), None);
        untold.told_everything();
        assert_eq!(left(&untold), Some(0));
    }
}
