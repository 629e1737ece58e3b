//! The metrics of the store (feature `metrics`), of all stores in the process together.
//! `no_metrics.rs` has the same functions. See `client/telemetry/metrics.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::{Unit, describe_gauge, gauge};

const ENTRIES: &str = "figma_payments_cache_entries";

/// Tells the recorder what each metric is, and sets those to zero that are not there yet.
pub(crate) fn describe() {
    describe_gauge!(ENTRIES, Unit::Count, "Answers in memory, those that are too old included.");
    gauge!(ENTRIES).increment(0.0);
}

/// How many answers of one cache are in the gauge. They are taken out of it when the cache
/// is dropped.
pub(crate) struct Entries(AtomicUsize);

impl Entries {
    pub(crate) fn none() -> Self {
        Entries(AtomicUsize::new(0))
    }

    /// Sets the number of answers that the cache has now.
    pub(crate) fn set(&self, now: impl FnOnce() -> usize) {
        let now = now();
        let before = self.0.swap(now, Ordering::Relaxed);
        gauge!(ENTRIES).increment(now as f64 - before as f64);
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        self.set(|| 0);
    }
}
