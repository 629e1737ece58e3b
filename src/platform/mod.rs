//! Time, tasks and HTTP: in `native` with tokio and sockets, in `wasm`
//! (`wasm32-unknown-unknown`) with the functions of the JavaScript host. Both folders
//! have the same modules and functions. Nothing else in the library depends on the
//! target.

pub(crate) mod exchange;
pub(crate) mod http_settings;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(all(feature = "cache", not(target_arch = "wasm32")))]
pub(crate) use native::hasher;
#[cfg(all(feature = "redis", feature = "rustls", not(target_arch = "wasm32")))]
pub(crate) use native::tls;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{attempt, clock, error, http, task};
#[cfg(all(feature = "cache", target_arch = "wasm32"))]
pub(crate) use wasm::hasher;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::{attempt, clock, error, http, task};
