//! What a client tells about its calls: counters, and a `tracing` span with events.

pub(crate) mod counters;
mod span;

use reqwest::Url;
use tracing::Span;

use self::counters::{CallCounters, Counters};
use crate::error::{Error, ErrorKind};
use crate::model::query::PaymentQuery;

/// What a client and all its clones tell.
#[derive(Default)]
pub(super) struct Telemetry {
    counters: CallCounters,
}

impl Telemetry {
    pub(super) fn counters(&self) -> Counters {
        self.counters.read()
    }

    pub(super) fn call_began(&self, base_url: &Url, query: &PaymentQuery) -> CallTelemetry<'_> {
        self.counters.calls.count();
        CallTelemetry { counters: &self.counters, span: span::of_call(base_url, query) }
    }
}

/// What one call tells.
pub(super) struct CallTelemetry<'a> {
    counters: &'a CallCounters,
    span: Span,
}

impl CallTelemetry<'_> {
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn attempt_began(&self, attempt: u32) {
        if attempt > 1 {
            self.counters.retries.count();
            span::retry_began(&self.span, attempt - 1);
        }
    }

    pub(super) fn attempt_ended<T>(&self, attempt: u32, outcome: &Result<T, Error>) {
        let Err(error) = outcome else {
            return span::attempt_succeeded(attempt);
        };
        match error.kind() {
            ErrorKind::Unauthorized => self.counters.unauthorized.count(),
            ErrorKind::RateLimited => self.counters.rate_limited.count(),
            _ => {}
        }
        span::attempt_failed(attempt, error);
    }

    pub(super) fn ended<T>(self, outcome: &Result<T, Error>) {
        span::call_ended(&self.span, outcome.as_ref().err());
    }
}
