//! With tokio's clock and tasks, and with hyper or the user's own reqwest.

pub(crate) mod attempt;
pub(crate) mod clock;
pub(crate) mod error;
#[cfg(feature = "cache")]
pub(crate) mod hasher;
pub(crate) mod http;
#[cfg(feature = "rustls")]
mod hyper_client;
mod reqwest_tls;
pub(crate) mod task;
#[cfg(feature = "rustls")]
pub(crate) mod tls;
