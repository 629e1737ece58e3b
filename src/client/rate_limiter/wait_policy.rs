//! How long a call waits for a slot.

/// How long a call waits for its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitPolicy {
    /// As long as its deadline allows.
    Deadline,
    /// As long as it takes, also when it meets a 429. While others wait too, all
    /// batches together get one slot in ten.
    Batch,
}
