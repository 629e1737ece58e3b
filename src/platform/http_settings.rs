//! The settings that the platform's HTTP client needs.

use std::time::Duration;

use reqwest::header::HeaderValue;

#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "on wasm the host connects"))]
pub(crate) struct HttpSettings {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) user_agent: HeaderValue,
    /// The base URL begins with `https://`.
    pub(crate) https: bool,
    /// The base URL is on this machine, so no proxy is used.
    pub(crate) loopback: bool,
}
