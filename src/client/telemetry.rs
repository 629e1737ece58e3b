//! What a team can watch: counters, a span for each call, an event for each
//! attempt. Names are those of OpenTelemetry's conventions for HTTP clients. No
//! URL is in them, because a payment token travels in its query; user ids are
//! at level `trace` only.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Url;
use tracing::field::{Empty, debug};
use tracing::{Span, debug, info_span, trace, warn};

use crate::error::{Error, ErrorKind};
use crate::model::ids::UserId;
use crate::model::query::PaymentQuery;

/// How often things happened to a client and all its clones, since it was made.
///
/// Worth an alert: `unauthorized` that rises (the access token has expired, or
/// somebody tries payment tokens out) and `rate_limited` (ask less often).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls of [`Client::get_payments`](crate::Client::get_payments).
    pub calls: u64,
    /// Attempts beyond the first of a call, counted when they begin.
    pub retries: u64,
    /// Answers with status 401.
    pub unauthorized: u64,
    /// Answers with status 429.
    pub rate_limited: u64,
}

#[derive(Default)]
pub(crate) struct Watch(Mutex<Counters>);

impl Watch {
    pub(crate) fn counters(&self) -> Counters {
        *self.lock()
    }

    /// A call begins.
    pub(crate) fn call(&self, base_url: &Url, query: &PaymentQuery) -> Span {
        self.lock().calls += 1;
        let span = info_span!(
            "figma_payments.get_payments",
            "otel.kind" = "client",
            "otel.name" = "GET /v1/payments",
            "http.request.method" = "GET",
            "url.scheme" = base_url.scheme(),
            "url.template" = "/v1/payments",
            "server.address" = base_url.host_str(),
            "server.port" = base_url.port_or_known_default(),
            "http.response.status_code" = Empty,
            "http.request.resend_count" = Empty,
            "error.type" = Empty,
        );
        let user = query.user().map(UserId::as_str);
        trace!(parent: &span, user_id = user, "asking");
        span
    }

    /// An attempt begins.
    pub(crate) fn begin(&self, attempt: u32) {
        if attempt > 1 {
            self.lock().retries += 1;
            Span::current().record("http.request.resend_count", attempt - 1);
        }
    }

    /// An attempt has ended. What the server said may name a user.
    pub(crate) fn end<T>(&self, attempt: u32, outcome: &Result<T, Error>) {
        let Err(error) = outcome else {
            return debug!("http.response.status_code" = 200, attempt, "answered");
        };
        match error.kind() {
            ErrorKind::Unauthorized => self.lock().unauthorized += 1,
            ErrorKind::RateLimited => self.lock().rate_limited += 1,
            _ => {}
        }
        warn!(
            "http.response.status_code" = error.status(),
            "error.type" = ?error.kind(),
            attempt,
            request_id = error.request_id(),
            retry_after_seconds = error.retry_after().map(|wait| wait.as_secs()),
            "not answered"
        );
        trace!(attempt, %error, "not answered");
    }

    /// The call has ended.
    pub(crate) fn answer<T>(&self, span: &Span, outcome: &Result<T, Error>) {
        let error = outcome.as_ref().err();
        span.record("http.response.status_code", error.map_or(Some(200), Error::status));
        if let Some(error) = error {
            span.record("error.type", debug(error.kind()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
