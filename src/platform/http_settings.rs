//! What the platform's HTTP client has to know of the client's settings.

use std::time::Duration;

use reqwest::header::HeaderValue;

#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "the host connects"))]
pub(crate) struct HttpSettings {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) user_agent: HeaderValue,
    /// The base URL is one of `https://`.
    pub(crate) https: bool,
    /// The base URL leads to this machine, so that no proxy is asked.
    pub(crate) loopback: bool,
}
