//! The counters of the cache.

use crate::client::telemetry::counters::Counter;

/// Counts of what happened in an [`Entitlements`](crate::Entitlements) and all its clones,
/// since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheCounters {
    /// Calls answered from memory.
    pub hits: u64,
    /// Calls whose answer was not in memory, or was too old. A look by
    /// [`get_cached`](crate::Entitlements::get_cached) is no miss.
    pub misses: u64,
    /// Misses that waited for the answer to another call.
    pub coalesced: u64,
    /// Calls that got a stale answer, because of an outage.
    pub stale: u64,
    /// Calls with a payment token that Figma had just refused. They got the same error, and
    /// nothing was sent.
    pub refused: u64,
    /// Calls to Figma that ended in an error, including refusals and mismatches.
    pub errors: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) coalesced: Counter,
    pub(super) stale: Counter,
    pub(super) refused: Counter,
    pub(super) errors: Counter,
}

impl Counters {
    pub(super) fn read(&self) -> CacheCounters {
        CacheCounters {
            hits: self.hits.read(),
            misses: self.misses.read(),
            coalesced: self.coalesced.read(),
            stale: self.stale.read(),
            refused: self.refused.read(),
            errors: self.errors.read(),
        }
    }
}
