//! With tokio's clock and tasks, and connections of our own or the user's reqwest.

pub(crate) mod attempt;
pub(crate) mod clock;
pub(crate) mod http;
#[cfg(feature = "rustls")]
mod hyper_client;
mod reqwest_tls;
pub(crate) mod task;
#[cfg(feature = "rustls")]
mod tls;
