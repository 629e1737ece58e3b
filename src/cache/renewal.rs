//! Answers that are asked for again before their time ends, so that nobody who has paid
//! waits for Figma at the end of every ten minutes.

use std::time::Duration;

use quick_cache::sync::Cache;

use crate::platform::clock::Instant;
use crate::store::question::Subject;

/// How long after an attempt to renew an answer the next one may follow.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How many answers the attempts are remembered of.
const MAX_REMEMBERED: usize = 10_000;

/// When each answer was last asked for ahead of time.
pub(super) struct Renewals {
    tried: Cache<Subject, Instant>,
}

impl Renewals {
    pub(super) fn new() -> Self {
        Renewals { tried: Cache::new(MAX_REMEMBERED) }
    }

    /// Whether nobody in this process has tried a moment ago. Then this call does.
    pub(super) fn begin(&self, subject: &Subject) -> bool {
        let now = Instant::now();
        let is_recent = |tried: Instant| now.saturating_duration_since(tried) < TRY_AGAIN_AFTER;
        if self.tried.get(subject).is_some_and(is_recent) {
            return false;
        }
        self.tried.insert(subject.clone(), now);
        true
    }
}
