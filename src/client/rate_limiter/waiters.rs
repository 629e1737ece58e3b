//! The calls that wait for a slot: first come, first served.
//!
//! A future that is not polled cannot use its slot, and must not block the others.
//! After [`SILENT_AFTER`] the queue treats it as silent: it keeps its number, but
//! the others go first until it is polled again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::wait_policy::WaitPolicy;
use crate::platform::clock::{Instant, Wakeup};

/// A waiter that does not use a free slot for this long is silent, and the slot goes
/// to the next one. With [`CHECK_INTERVAL`] that is a second at most.
pub(super) const SILENT_AFTER: Duration = Duration::from_millis(750);

/// How often a waiter behind the first one checks whether a free slot is left unused.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// While calls wait, batches get one slot in this many.
const BATCH_SHARE: u32 = 10;

/// The queues, by the order of arrival.
#[derive(Default)]
pub(super) struct Waiters {
    last_number: u64,
    calls: BTreeMap<u64, Entry>,
    batches: BTreeMap<u64, Entry>,
    /// Slots that calls got since a batch had one.
    slots_since_batch: u32,
}

/// What the queue knows about a waiter.
struct Entry {
    polled_at: Instant,
    /// See the documentation of this module.
    silent: bool,
    wakeup: Arc<Wakeup>,
}

/// The handle of one call in the queue.
#[derive(Clone)]
pub(super) struct Waiter {
    number: u64,
    wait: WaitPolicy,
    pub(super) wakeup: Arc<Wakeup>,
}

impl Waiters {
    pub(super) fn join(&mut self, wait: WaitPolicy, now: Instant) -> Waiter {
        self.last_number += 1;
        let waiter = Waiter { number: self.last_number, wait, wakeup: Arc::default() };
        let wakeup = Arc::clone(&waiter.wakeup);
        let entry = Entry { polled_at: now, silent: false, wakeup };
        self.queue(wait).insert(waiter.number, entry);
        waiter
    }

    pub(super) fn leave(&mut self, waiter: &Waiter) {
        self.queue(waiter.wait).remove(&waiter.number);
    }

    /// The waiter was polled, so it is not silent.
    pub(super) fn on_poll(&mut self, waiter: &Waiter, now: Instant) {
        if let Some(entry) = self.queue(waiter.wait).get_mut(&waiter.number) {
            entry.polled_at = now;
            entry.silent = false;
        }
    }

    /// Marks all waiters as silent that were not polled for [`SILENT_AFTER`].
    pub(super) fn mark_silent(&mut self, now: Instant) {
        for entry in self.calls.values_mut().chain(self.batches.values_mut()) {
            entry.silent |= entry.polled_at + SILENT_AFTER <= now;
        }
    }

    /// Marks the first waiter of this kind as silent if it was not polled for
    /// [`SILENT_AFTER`].
    #[cfg(feature = "redis")]
    pub(super) fn mark_silent_first(&mut self, wait: WaitPolicy, now: Instant) {
        let mut entries = self.queue(wait).values_mut();
        if let Some(first) = entries.find(|entry| !entry.silent) {
            first.silent = first.polled_at + SILENT_AFTER <= now;
        }
    }

    /// Whether it is the first of its kind. Silent waiters do not count.
    #[cfg(feature = "redis")]
    pub(super) fn is_first(&mut self, waiter: &Waiter) -> bool {
        let first = self.queue(waiter.wait).iter().find(|(_, entry)| !entry.silent);
        first.is_some_and(|(number, _)| *number == waiter.number)
    }

    /// How many of this kind wait.
    #[cfg(feature = "redis")]
    pub(super) fn waiting(&mut self, wait: WaitPolicy) -> usize {
        self.queue(wait).len()
    }

    /// Whether no waiter would take a slot. Silent waiters do not count.
    pub(super) fn is_empty(&self) -> bool {
        self.next().is_none()
    }

    pub(super) fn is_next(&self, waiter: &Waiter) -> bool {
        self.next().is_some_and(|(number, _)| *number == waiter.number)
    }

    /// How many slots others get before this waiter.
    pub(super) fn ahead(&self, waiter: &Waiter) -> u32 {
        let count_before = |queue: &BTreeMap<u64, Entry>, number: u64| {
            let ahead = queue.range(..number).filter(|(_, entry)| !entry.silent).count();
            u32::try_from(ahead).unwrap_or(u32::MAX)
        };
        match waiter.wait {
            WaitPolicy::Deadline | WaitPolicy::Reserved(_) => {
                let calls = count_before(&self.calls, waiter.number);
                let batches = count_before(&self.batches, u64::MAX);
                if batches == 0 {
                    return calls;
                }
                let slots_for_batches = (self.slots_since_batch + calls) / (BATCH_SHARE - 1);
                calls.saturating_add(slots_for_batches.min(batches))
            }
            WaitPolicy::Batch => count_before(&self.batches, waiter.number),
        }
    }

    /// The waiter has got a slot, and leaves.
    pub(super) fn on_slot(&mut self, waiter: &Waiter) {
        self.leave(waiter);
        self.slots_since_batch = match waiter.wait {
            WaitPolicy::Deadline if !self.batches.is_empty() => self.slots_since_batch + 1,
            WaitPolicy::Deadline | WaitPolicy::Reserved(_) | WaitPolicy::Batch => 0,
        };
    }

    /// Wakes the next waiter. Where batches and calls ask on their own, the next of each.
    pub(super) fn wake_next(&self) {
        #[cfg(feature = "redis")]
        for queue in [&self.calls, &self.batches] {
            if let Some(first) = queue.values().find(|entry| !entry.silent) {
                first.wakeup.wake();
            }
        }
        #[cfg(not(feature = "redis"))]
        if let Some((_, entry)) = self.next() {
            entry.wakeup.wake();
        }
    }

    pub(super) fn wake_all(&self) {
        let all = self.calls.values().chain(self.batches.values());
        all.for_each(|entry| entry.wakeup.wake());
    }

    fn next(&self) -> Option<(&u64, &Entry)> {
        let first = |queue| -> Option<(&u64, &Entry)> {
            let mut queue = BTreeMap::<u64, Entry>::iter(queue);
            queue.find(|(_, entry)| !entry.silent)
        };
        let batch = first(&self.batches);
        match first(&self.calls) {
            Some(call) if batch.is_none() || self.slots_since_batch < BATCH_SHARE - 1 => Some(call),
            _ => batch,
        }
    }

    fn queue(&mut self, wait: WaitPolicy) -> &mut BTreeMap<u64, Entry> {
        match wait {
            WaitPolicy::Deadline | WaitPolicy::Reserved(_) => &mut self.calls,
            WaitPolicy::Batch => &mut self.batches,
        }
    }
}
