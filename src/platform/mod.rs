//! Time, tasks and HTTP, as the machine offers them: with tokio and sockets, or
//! on `wasm32-unknown-unknown` with what the JavaScript host has. Both have the
//! same names, and nothing else in the library depends on the target.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{attempt, clock, http, task};
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::{attempt, clock, http, task};
