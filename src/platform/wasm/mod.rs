//! For `wasm32-unknown-unknown`: the `fetch`, timers and clocks of the JavaScript host.
//! reqwest builds the requests here too, but does not send them, because it would follow
//! redirects and send the access token along.

pub(crate) mod attempt;
pub(crate) mod clock;
pub(crate) mod error;
mod fetch;
#[cfg(feature = "cache")]
pub(crate) mod hasher;
pub(crate) mod http;
pub(crate) mod task;
