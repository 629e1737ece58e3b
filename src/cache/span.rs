//! The `tracing` span of a look into the cache, with what comes of it: calls to Figma are
//! spans in this span. See `client/telemetry/span.rs`.

use tracing::field::Empty;
use tracing::{Span, debug_span};

use super::entitlement::{Entitlement, Source};
use crate::error::Error;

/// What users filter by.
const TARGET: &str = "figma_payments::cache";

#[inline]
pub(super) fn of_look_up() -> Span {
    debug_span!(
        target: TARGET,
        "figma_payments.get_entitlement",
        "cache.hit" = Empty,
        "entitlement.source" = Empty,
        "otel.status_code" = Empty,
        "error.type" = Empty,
    )
}

#[inline]
pub(super) fn hit(span: &Span) {
    span.record("cache.hit", true);
    span.record("entitlement.source", Source::Cached.as_str());
}

#[inline]
pub(super) fn missed(span: &Span) {
    span.record("cache.hit", false);
}

/// How a call ended that had to ask.
pub(super) fn ended(span: &Span, outcome: &Result<Entitlement, Error>) {
    match outcome {
        Ok(entitlement) => {
            span.record("entitlement.source", entitlement.source.as_str());
        }
        Err(error) => {
            span.record("error.type", error.kind().as_str());
            span.record("otel.status_code", "ERROR");
        }
    }
}
