//! Durations that several parts of the client share.

use std::time::Duration;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Longer times are shortened to this, so that adding them to an `Instant` cannot
/// overflow.
pub(crate) const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A wait (for a slot, or because of `Retry-After`) must leave this much time before
/// the deadline for the response.
pub(crate) const TIME_FOR_A_RESPONSE: Duration = Duration::from_millis(500);
