//! Time, tasks and HTTP, as the machine offers them: with tokio and sockets, or
//! on `wasm32-unknown-unknown` with what the JavaScript host has. Both folders
//! have files of the same names, and nothing else in the library depends on the
//! target.

pub(crate) mod exchange;
pub(crate) mod http_settings;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{attempt, clock, error, http, task};
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::{attempt, clock, error, http, task};
