//! On `wasm32-unknown-unknown`: the JavaScript host's `fetch`, timers and clocks.
//! reqwest makes the requests there too, but does not send them: it would follow
//! redirects, and take the access token along.

pub(crate) mod attempt;
pub(crate) mod clock;
pub(crate) mod error;
mod fetch;
pub(crate) mod http;
pub(crate) mod task;
