//! How long a call waits for a slot.

use crate::platform::clock::Instant;

/// How long a call waits until the rate limiter lets it send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitPolicy {
    /// Until its deadline.
    Deadline,
    /// Without a limit, also after a 429. While other calls wait too, all batches
    /// together get one slot in ten.
    Batch,
    /// Not at all: the slot was taken at this time. There is no second attempt.
    #[cfg_attr(not(feature = "cache"), allow(dead_code, reason = "for renewals"))]
    Reserved(Instant),
}
