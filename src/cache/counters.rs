//! The counters of the cache.

use super::metrics;
use crate::client::telemetry::counters::Counter;

/// Counts of what happened in an [`Entitlements`](crate::Entitlements) and all its clones,
/// since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheCounters {
    /// Calls answered from memory.
    pub hits: u64,
    /// Calls whose answer was not in memory, or was too old. A look by
    /// [`get_cached`](crate::Entitlements::get_cached) is no miss, and neither is a call that
    /// is not [admitted](crate::Entitlements::get_admitted).
    pub misses: u64,
    /// Misses that waited for the answer to another call.
    pub coalesced: u64,
    /// Calls that got a stale answer, because of an outage.
    pub stale: u64,
    /// Calls with a payment token that Figma had just refused. They got the same error, and
    /// nothing was sent.
    pub refused: u64,
    /// Answers that were asked for again in the background before their time ended.
    pub renewals: u64,
    /// Calls to Figma that ended in an error, including refusals and mismatches.
    pub errors: u64,
}

/// The counters, each with its metric.
pub(super) struct Counters {
    hits: Counter,
    misses: Counter,
    coalesced: Counter,
    stale: Counter,
    refused: Counter,
    renewals: Counter,
    errors: Counter,
}

impl Counters {
    pub(super) fn new() -> Self {
        metrics::describe();
        Counters {
            hits: Counter::default(),
            misses: Counter::default(),
            coalesced: Counter::default(),
            stale: Counter::default(),
            refused: Counter::default(),
            renewals: Counter::default(),
            errors: Counter::default(),
        }
    }

    pub(super) fn hit(&self) {
        self.hits.count();
        metrics::hit();
    }

    pub(super) fn miss(&self) {
        self.misses.count();
        metrics::miss();
    }

    /// Counts a miss when the call ends or is cancelled, unless it was not admitted.
    pub(super) fn miss_on_drop(&self) -> Miss<'_> {
        Miss { counters: self, is_admitted: true }
    }

    pub(super) fn joined(&self) {
        self.coalesced.count();
        metrics::joined();
    }

    pub(super) fn stale(&self) {
        self.stale.count();
        metrics::stale();
    }

    pub(super) fn refused_token(&self) {
        self.refused.count();
        metrics::refused_token();
    }

    pub(super) fn renewal(&self) {
        self.renewals.count();
        metrics::renewal();
    }

    /// The metrics have it as the outcome of the call.
    pub(super) fn error(&self) {
        self.errors.count();
    }

    pub(super) fn read(&self) -> CacheCounters {
        CacheCounters {
            hits: self.hits.read(),
            misses: self.misses.read(),
            coalesced: self.coalesced.read(),
            stale: self.stale.read(),
            refused: self.refused.read(),
            renewals: self.renewals.read(),
            errors: self.errors.read(),
        }
    }
}

/// A call whose answer is not in memory. It is counted when this is dropped, so also if the
/// call is cancelled.
pub(super) struct Miss<'a> {
    counters: &'a Counters,
    is_admitted: bool,
}

impl Miss<'_> {
    /// Then it is not counted: it has asked nothing.
    pub(super) fn was_not_admitted(mut self) {
        self.is_admitted = false;
    }
}

impl Drop for Miss<'_> {
    fn drop(&mut self) {
        if self.is_admitted {
            self.counters.miss();
        }
    }
}
