//! What a client tells about its calls: counters, a `tracing` span with events, and
//! metrics (feature `metrics`).

pub(crate) mod counters;
#[cfg(feature = "metrics")]
pub(super) mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
pub(super) mod metrics;
mod span;

use reqwest::Url;
use tracing::Span;

use self::counters::{CallCounters, Counters};
use self::metrics::CallMetrics;
use crate::api::types::PaymentInformation;
use crate::error::{Error, ErrorKind};
use crate::model::query::{AskedBy, PaymentQuery};
use crate::platform::clock::Instant;

/// What a client and all its clones tell.
pub(super) struct Telemetry {
    counters: CallCounters,
}

impl Telemetry {
    pub(super) fn new() -> Self {
        metrics::describe();
        Telemetry { counters: CallCounters::default() }
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters.read()
    }

    pub(super) fn call_began(&self, base_url: &Url, query: &PaymentQuery) -> CallTelemetry<'_> {
        self.counters.calls.count();
        let asked_by = query.asked_by();
        CallTelemetry {
            counters: &self.counters,
            asked_by,
            span: span::of_call(base_url, query),
            metrics: CallMetrics::began(asked_by),
        }
    }
}

/// What one call tells. If it is dropped before [`ended`](Self::ended), the call was
/// cancelled.
pub(super) struct CallTelemetry<'a> {
    counters: &'a CallCounters,
    asked_by: AskedBy,
    span: Span,
    metrics: CallMetrics,
}

impl CallTelemetry<'_> {
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// A batch has waited for a slot from `since` to `until`. This does not count for the
    /// call's duration.
    pub(super) fn batch_waited(&mut self, since: Instant, until: Instant) {
        self.metrics.batch_waited(since, until);
    }

    pub(super) fn attempt_began(&self, attempt: u32) {
        if attempt > 1 {
            self.counters.retries.count();
            metrics::retry(self.asked_by);
            span::retry_began(&self.span, attempt - 1);
        }
    }

    pub(super) fn attempt_ended<T>(&self, attempt: u32, outcome: &Result<T, Error>) {
        let Err(error) = outcome else {
            return span::attempt_succeeded(attempt);
        };
        match error.kind() {
            ErrorKind::Unauthorized => {
                self.counters.unauthorized.count();
                metrics::unauthorized(self.asked_by);
            }
            ErrorKind::RateLimited => {
                self.counters.rate_limited.count();
                metrics::rate_limited(self.asked_by);
            }
            _ => {}
        }
        span::attempt_failed(attempt, self.asked_by, error);
    }

    pub(super) fn ended<M>(mut self, outcome: &Result<(PaymentInformation, M), Error>) {
        span::call_ended(&self.span, outcome.as_ref().err());
        self.metrics.ended(outcome.as_ref().map(|(payment, _)| payment));
    }
}
