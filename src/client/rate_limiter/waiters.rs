//! Who waits for a slot: first come, first served, and nobody waits for somebody
//! who has gone silent. A future that nobody polls keeps its place, but whoever
//! comes after it goes first until it is polled again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::wait_policy::WaitPolicy;
use crate::platform::clock::{Instant, Wakeup};

/// A slot that is not used for so long goes to the next who still looks. With the
/// time between two looks that makes a second at most.
pub(super) const UNUSED: Duration = Duration::from_millis(750);

/// How often those who wait look while a slot is there that is not used.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// While others wait, a batch gets every tenth slot.
const BATCH_SHARE: u32 = 10;

/// In the order in which they came.
#[derive(Default)]
pub(super) struct Waiters {
    came: u64,
    callers: BTreeMap<u64, Waiter>,
    batches: BTreeMap<u64, Waiter>,
    /// Slots that callers got since a batch had one.
    since_batch: u32,
}

struct Waiter {
    looked_at: Instant,
    /// It did not use a slot. It keeps its place, but goes last until it looks again.
    silent: bool,
    wakeup: Arc<Wakeup>,
}

/// A place among those who wait.
#[derive(Clone)]
pub(super) struct Place {
    number: u64,
    wait: WaitPolicy,
    pub(super) wakeup: Arc<Wakeup>,
}

impl Waiters {
    pub(super) fn join(&mut self, wait: WaitPolicy, now: Instant) -> Place {
        self.came += 1;
        let place = Place { number: self.came, wait, wakeup: Arc::default() };
        let wakeup = Arc::clone(&place.wakeup);
        let waiter = Waiter { looked_at: now, silent: false, wakeup };
        self.of(wait).insert(place.number, waiter);
        place
    }

    pub(super) fn leave(&mut self, place: &Place) {
        self.of(place.wait).remove(&place.number);
    }

    /// The one at this place has looked.
    pub(super) fn looked(&mut self, place: &Place, now: Instant) {
        if let Some(waiter) = self.of(place.wait).get_mut(&place.number) {
            waiter.looked_at = now;
            waiter.silent = false;
        }
    }

    /// A slot is not used: whoever has not looked for so long is passed over.
    pub(super) fn pass_over_silent(&mut self, now: Instant) {
        for waiter in self.callers.values_mut().chain(self.batches.values_mut()) {
            waiter.silent |= waiter.looked_at + UNUSED <= now;
        }
    }

    /// Whether anybody waits who would take a slot.
    pub(super) fn is_empty(&self) -> bool {
        self.next().is_none()
    }

    pub(super) fn is_next(&self, place: &Place) -> bool {
        self.next().is_some_and(|(number, _)| *number == place.number)
    }

    /// How many slots go to others before this place has one.
    pub(super) fn ahead(&self, place: &Place) -> u32 {
        let live = |waiters: &BTreeMap<u64, Waiter>, before: u64| {
            let ahead = waiters.range(..before).filter(|(_, waiter)| !waiter.silent).count();
            u32::try_from(ahead).unwrap_or(u32::MAX)
        };
        match place.wait {
            WaitPolicy::Deadline => {
                let callers = live(&self.callers, place.number);
                match live(&self.batches, u64::MAX) {
                    0 => callers,
                    batches => {
                        let theirs = (self.since_batch + callers) / (BATCH_SHARE - 1);
                        callers.saturating_add(theirs.min(batches))
                    }
                }
            }
            WaitPolicy::Batch => live(&self.batches, place.number),
        }
    }

    /// The one at this place takes a slot, and leaves.
    pub(super) fn took(&mut self, place: &Place) {
        self.leave(place);
        self.since_batch = match place.wait {
            WaitPolicy::Deadline if !self.batches.is_empty() => self.since_batch + 1,
            WaitPolicy::Deadline | WaitPolicy::Batch => 0,
        };
    }

    /// Has the one who is next look now.
    pub(super) fn wake_next(&self) {
        if let Some((_, waiter)) = self.next() {
            waiter.wakeup.wake();
        }
    }

    pub(super) fn wake_all(&self) {
        let all = self.callers.values().chain(self.batches.values());
        all.for_each(|waiter| waiter.wakeup.wake());
    }

    fn next(&self) -> Option<(&u64, &Waiter)> {
        let first = |waiters| -> Option<(&u64, &Waiter)> {
            let mut waiters = BTreeMap::<u64, Waiter>::iter(waiters);
            waiters.find(|(_, waiter)| !waiter.silent)
        };
        let batch = first(&self.batches);
        match first(&self.callers) {
            Some(caller) if batch.is_none() || self.since_batch < BATCH_SHARE - 1 => Some(caller),
            _ => batch,
        }
    }

    fn of(&mut self, wait: WaitPolicy) -> &mut BTreeMap<u64, Waiter> {
        match wait {
            WaitPolicy::Deadline => &mut self.callers,
            WaitPolicy::Batch => &mut self.batches,
        }
    }
}
