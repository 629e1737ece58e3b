//! Counters, a tracing span for each call, and an event for each attempt. Names follow
//! OpenTelemetry's conventions for HTTP clients. URLs are left out, because their query
//! may have a payment token. User ids appear only at level `trace`.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Url;
use tracing::field::Empty;
use tracing::{Span, debug, info_span, trace, warn};

use crate::api::operation;
use crate::error::{Error, ErrorKind, whole_seconds};
use crate::model::ids::UserId;
use crate::model::query::PaymentQuery;

/// A counter that threads share.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts of what happened in a client and all its clones, since it was made.
///
/// Two of them deserve an alert when they rise: `unauthorized` (the access token has
/// expired, or somebody tries out payment tokens) and `rate_limited` (you ask too
/// often).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls, those of `get_payments_all` and `Entitlements` included.
    pub calls: u64,
    /// Attempts after the first one of a call, counted when they begin.
    pub retries: u64,
    /// Responses with status 401.
    pub unauthorized: u64,
    /// Responses with status 429.
    pub rate_limited: u64,
}

#[derive(Default)]
pub(crate) struct Telemetry {
    calls: Counter,
    retries: Counter,
    unauthorized: Counter,
    rate_limited: Counter,
}

impl Telemetry {
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            calls: self.calls.read(),
            retries: self.retries.read(),
            unauthorized: self.unauthorized.read(),
            rate_limited: self.rate_limited.read(),
        }
    }

    pub(crate) fn call_began(&self, base_url: &Url, query: &PaymentQuery) -> Span {
        self.calls.count();
        let span = info_span!(
            "figma_payments.get_payments",
            "otel.kind" = "client",
            "otel.name" = operation::NAME,
            "http.request.method" = operation::METHOD,
            "url.scheme" = base_url.scheme(),
            "url.template" = operation::PATH,
            "server.address" = base_url.host_str(),
            "server.port" = base_url.port_or_known_default(),
            "http.response.status_code" = Empty,
            "http.request.resend_count" = Empty,
            "error.type" = Empty,
        );
        let user = query.user().map(UserId::as_str);
        trace!(parent: &span, user_id = user, "call began");
        span
    }

    pub(crate) fn attempt_began(&self, attempt: u32) {
        if attempt > 1 {
            self.retries.count();
            Span::current().record("http.request.resend_count", attempt - 1);
        }
    }

    /// The server's message may name a user, so it is logged only at level `trace`.
    pub(crate) fn attempt_ended<T>(&self, attempt: u32, outcome: &Result<T, Error>) {
        let Err(error) = outcome else {
            return debug!("http.response.status_code" = 200, attempt, "attempt succeeded");
        };
        match error.kind() {
            ErrorKind::Unauthorized => self.unauthorized.count(),
            ErrorKind::RateLimited => self.rate_limited.count(),
            _ => {}
        }
        warn!(
            "http.response.status_code" = error.status(),
            "error.type" = error.kind().as_str(),
            attempt,
            request_id = error.request_id(),
            retry_after_seconds = error.retry_after().map(whole_seconds),
            "attempt failed"
        );
        trace!(attempt, %error, "attempt failed");
    }

    pub(crate) fn call_ended<T>(&self, span: &Span, outcome: &Result<T, Error>) {
        let error = outcome.as_ref().err();
        span.record("http.response.status_code", error.map_or(Some(200), Error::status));
        if let Some(error) = error {
            span.record("error.type", error.kind().as_str());
        }
    }
}
