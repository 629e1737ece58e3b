//! The generated client alone, as progenitor writes it: no hooks, the access
//! token as a default header, nothing verified.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};

use crate::{Contender, PLUGIN, TOKEN, USER, tls};

/// The snapshot: a test compares it with what the build generates.
#[allow(missing_docs, dead_code, rustdoc::bare_urls, reason = "written by progenitor")]
mod bindings {
    include!("../../tests/snapshots/bindings.rs");
}

/// The bindings expect one, and hooks for it. These hooks do nothing.
#[derive(Debug, Clone)]
pub struct AttemptContext;

impl progenitor_client::ClientHooks<AttemptContext> for bindings::Client {}

pub struct Generated(bindings::Client);

impl Generated {
    pub fn new(base_url: &str) -> Self {
        let token = HeaderValue::from_static(TOKEN);
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(5))
            .default_headers(HeaderMap::from_iter([(
                "x-figma-token".parse().expect("a name"),
                token,
            )]))
            .build()
            .expect("a client");
        Generated(bindings::Client::new_with_client(base_url, http, AttemptContext))
    }
}

impl Contender for Generated {
    async fn call(&self) {
        let answer = self.0.get_payments(None, Some(PLUGIN), None, Some(USER), None).await;
        assert!(answer.expect("an answer").meta.payment_status.grants_access());
    }
}
