//! What happened so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often things happened to an [`Entitlements`](crate::Entitlements) and all its clones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheCounters {
    /// Answered from memory.
    pub hits: u64,
    /// Not in memory, or no longer good there.
    pub misses: u64,
    /// Misses that waited for another call's answer.
    pub coalesced: u64,
    /// Answered with an answer that was no longer good.
    pub stale: u64,
    /// Calls to Figma that gave an error, refused and mismatched ones included.
    pub errors: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) coalesced: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) errors: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self) -> CacheCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheCounters {
            hits: read(&self.hits),
            misses: read(&self.misses),
            coalesced: read(&self.coalesced),
            stale: read(&self.stale),
            errors: read(&self.errors),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
