//! The metrics of the cache (feature `metrics`), of all caches in the process together.
//! `no_metrics.rs` has the same functions. See `client/telemetry/metrics.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const HITS: &str = "figma_payments_cache_hits_total";
const MISSES: &str = "figma_payments_cache_misses_total";
const JOINED: &str = "figma_payments_cache_joined_total";
const STALE: &str = "figma_payments_cache_stale_total";
const REFUSED_TOKENS: &str = "figma_payments_cache_refused_tokens_total";
const ENTRIES: &str = "figma_payments_cache_entries";

/// Tells the recorder what each metric is, and sets those to zero that are not there yet.
pub(super) fn describe() {
    describe_counter!(HITS, Unit::Count, "Calls that were answered from memory.");
    describe_counter!(MISSES, Unit::Count, "Calls whose answer was not in memory, or was too old.");
    describe_counter!(
        JOINED,
        Unit::Count,
        "Misses that waited for the question of another call instead of asking."
    );
    describe_counter!(
        STALE,
        Unit::Count,
        "Misses that got an answer from memory that is too old, because of an outage."
    );
    describe_counter!(
        REFUSED_TOKENS,
        Unit::Count,
        "Calls that were refused without a request, because their payment token was refused just before."
    );
    describe_gauge!(ENTRIES, Unit::Count, "Answers in memory, those that are too old included.");
    for name in [HITS, MISSES, JOINED, STALE, REFUSED_TOKENS] {
        counter!(name).increment(0);
    }
    gauge!(ENTRIES).increment(0.0);
}

pub(super) fn hit() {
    counter!(HITS).increment(1);
}

pub(super) fn miss() {
    counter!(MISSES).increment(1);
}

pub(super) fn joined() {
    counter!(JOINED).increment(1);
}

pub(super) fn stale() {
    counter!(STALE).increment(1);
}

pub(super) fn refused_token() {
    counter!(REFUSED_TOKENS).increment(1);
}

/// How many answers of one cache are in the gauge. They are taken out of it when the cache
/// is dropped.
pub(super) struct Entries(AtomicUsize);

impl Entries {
    pub(super) fn none() -> Self {
        Entries(AtomicUsize::new(0))
    }

    /// Sets the number of answers that the cache has now.
    pub(super) fn set(&self, now: impl FnOnce() -> usize) {
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
