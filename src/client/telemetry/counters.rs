//! The counters of a client, which are always there.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that threads share.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts of what happened in a client and all its clones, since it was made.
///
/// Two of them deserve an alert when they rise: `unauthorized` (the access token has
/// expired, or somebody tries out payment tokens) and `rate_limited` (you ask too
/// often). The feature `metrics` tells more, and tells the two apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls, those of `get_payments_all` and `Entitlements` included.
    pub calls: u64,
    /// Attempts after the first one of a call, counted when they begin.
    pub retries: u64,
    /// Responses with status 401.
    pub unauthorized: u64,
    /// Responses with status 429.
    pub rate_limited: u64,
}

#[derive(Default)]
pub(super) struct CallCounters {
    pub(super) calls: Counter,
    pub(super) retries: Counter,
    pub(super) unauthorized: Counter,
    pub(super) rate_limited: Counter,
}

impl CallCounters {
    pub(super) fn read(&self) -> Counters {
        Counters {
            calls: self.calls.read(),
            retries: self.retries.read(),
            unauthorized: self.unauthorized.read(),
            rate_limited: self.rate_limited.read(),
        }
    }
}
