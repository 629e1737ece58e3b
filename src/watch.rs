//! What a team can watch: counters, a span for each call, an event for each
//! attempt. Names are those of OpenTelemetry's conventions for HTTP clients. No
//! URL is in them, because a payment token travels in its query; user ids are
//! at level `trace` only.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Url;
use tracing::field::{Empty, debug};
use tracing::{Span, debug, info_span, trace, warn};

use crate::{Error, ErrorKind, PaymentQuery, UserId};

/// How often things happened to a client and all its clones, since it was made.
///
/// Worth an alert: `unauthorized` that rises (the access token has expired, or
/// somebody tries payment tokens out) and `rate_limited` (ask less often).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls of [`Client::get_payments`](crate::Client::get_payments).
    pub calls: u64,
    /// Requests sent beyond the first of a call.
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

    /// An attempt has ended; in the span of its call.
    pub(crate) fn attempt<T>(&self, number: u32, outcome: &Result<T, Error>) {
        let error = outcome.as_ref().err();
        let kind = error.map(Error::kind);
        let mut counters = self.lock();
        counters.retries += u64::from(number > 1);
        counters.unauthorized += u64::from(kind == Some(ErrorKind::Unauthorized));
        counters.rate_limited += u64::from(kind == Some(ErrorKind::RateLimited));
        drop(counters);

        let (span, status) = (Span::current(), error.map_or(Some(200), Error::status));
        span.record("http.response.status_code", status);
        if number > 1 {
            span.record("http.request.resend_count", number - 1);
        }
        let Some(error) = error else {
            return debug!("http.response.status_code" = status, attempt = number, "answered");
        };
        span.record("error.type", debug(error.kind()));
        warn!(
            "http.response.status_code" = status,
            "error.type" = ?error.kind(),
            attempt = number,
            %error,
            "not answered"
        );
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
