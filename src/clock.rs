//! Time, turns and chance. `wasm/clock.rs` has the same names.

pub(crate) use fastrand::f64 as random;
pub(crate) use std::time::SystemTime as Calendar;
pub(crate) use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// First come, first served.
pub(crate) type Queue = tokio::sync::Mutex<()>;
