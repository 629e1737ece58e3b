//! Who may ask Figma: a place for the question first, then a call of the caller's share.

use std::sync::Arc;
use std::time::Duration;

use crate::call_limit::CallLimit;
use crate::caller::{Caller, CallerKeys};
use crate::places::{Place, Places};

/// The settings, as the gate's documentation has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) calls_per_minute: u32,
    pub(crate) burst: u32,
    pub(crate) max_questions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { calls_per_minute: 30, burst: 30, max_questions: 64 }
    }
}

/// Why a question is not asked.
#[derive(Debug, PartialEq)]
pub(crate) enum NotAdmitted {
    /// No place is free, for this caller or for anybody.
    Busy,
    /// The caller has used up its share, and gets the next call after this time.
    TooManyRequests(Duration),
}

/// The counts that all clones of a gate share.
pub(crate) struct Admission {
    pub(crate) limits: Limits,
    callers: CallerKeys,
    places: Arc<Places>,
    calls: CallLimit,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Admission {
            limits,
            callers: CallerKeys::default(),
            places: Arc::new(Places::new(limits.max_questions)),
            calls: CallLimit::new(limits.calls_per_minute, limits.burst),
        }
    }

    /// Lets the caller ask once. The place has to be kept until the question has ended.
    /// The call is counted last, so that who finds no place has lost none.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<Place, NotAdmitted> {
        let caller = self.callers.of(caller);
        let place = self.places.take(caller).ok_or(NotAdmitted::Busy)?;
        self.calls.count(caller).map_err(NotAdmitted::TooManyRequests)?;
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(burst: u32, max_questions: usize) -> Admission {
        Admission::new(Limits { calls_per_minute: 1, burst, max_questions })
    }

    #[test]
    fn who_finds_no_place_has_lost_no_call() {
        let admission = admission(2, 4);
        let caller = Caller::named("a");
        let place = admission.admit(&caller).ok().unwrap();
        assert!((0..10).all(|_| admission.admit(&caller).err() == Some(NotAdmitted::Busy)));
        drop(place);
        assert!(admission.admit(&caller).is_ok(), "the second call of its share");
        let refused = admission.admit(&caller).err();
        assert!(matches!(refused, Some(NotAdmitted::TooManyRequests(_))), "{refused:?}");
    }

    #[test]
    fn who_has_no_call_left_takes_no_place() {
        let admission = admission(1, 1);
        let caller = Caller::named("a");
        drop(admission.admit(&caller));
        assert!((0..10).all(|_| admission.admit(&caller).is_err()));
        assert!(admission.admit(&Caller::named("b")).is_ok());
    }
}
