//! How many questions to Figma may be under way at once, in all and of one caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::caller::CallerKey;

/// The places of the questions that are under way.
pub(crate) struct Places {
    all: usize,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    all: usize,
    /// Only callers with a question under way, so no more than there are places.
    of_caller: HashMap<CallerKey, usize>,
}

/// A place of one question. It is free again when this is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    caller: CallerKey,
}

impl Places {
    pub(crate) fn new(all: usize) -> Self {
        Places { all, under_way: Mutex::default() }
    }

    /// A place, unless all are taken, or the caller has a quarter of them already.
    pub(crate) fn take(self: &Arc<Self>, caller: CallerKey) -> Option<Place> {
        let mut under_way = self.under_way();
        let of_caller = under_way.of_caller.get(&caller).copied().unwrap_or(0);
        if under_way.all >= self.all || of_caller >= self.all.div_ceil(4) {
            return None;
        }
        under_way.all += 1;
        under_way.of_caller.insert(caller, of_caller + 1);
        Some(Place { places: Arc::clone(self), caller })
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.places.under_way();
        under_way.all -= 1;
        if let Some(of_caller) = under_way.of_caller.get_mut(&self.caller) {
            *of_caller -= 1;
            if *of_caller == 0 {
                under_way.of_caller.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Caller, CallerKeys};

    fn callers<const N: usize>() -> [CallerKey; N] {
        let keys = CallerKeys::default();
        std::array::from_fn(|number| keys.of(&Caller::named(number.to_string())))
    }

    #[test]
    fn one_caller_has_a_quarter_of_the_places() {
        let places = Arc::new(Places::new(8));
        let [one, other] = callers();
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert!(places.take(one).is_none());
        let _others = places.take(other).unwrap();
        drop(first);
        assert!(places.take(one).is_some());
    }

    #[test]
    fn all_callers_have_so_many_places_together_and_leave_nothing_behind() {
        let places = Arc::new(Places::new(3));
        let [a, b, c, d] = callers();
        let taken = [a, b, c].map(|caller| places.take(caller).unwrap());
        assert!(places.take(d).is_none());
        drop(taken);
        assert!(places.under_way().of_caller.is_empty());
        assert!(places.take(d).is_some());
        assert_eq!(places.under_way().all, 0);
    }

    #[test]
    fn few_places_have_a_quarter_too_and_none_have_none() {
        let [one] = callers();
        assert!(Arc::new(Places::new(1)).take(one).is_some());
        assert!(Arc::new(Places::new(0)).take(one).is_none());
    }
}
