//! Lengths of time that several parts of the client agree on.

use std::time::Duration;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Longer times are cut to this one, because sums of them would overflow a clock.
pub(crate) const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A wait, for a slot or because the server asks for it, has to leave this much of
/// the deadline for the response that comes after it.
pub(crate) const TIME_FOR_A_RESPONSE: Duration = Duration::from_millis(500);
