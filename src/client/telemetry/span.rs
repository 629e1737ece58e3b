//! The `tracing` span of a call, and its events. Names follow OpenTelemetry's
//! conventions for HTTP clients. URLs are left out, because their query may have a
//! payment token. User ids appear only at level `trace`. `docs/monitoring.md` lists all
//! of it.
//!
//! Numbers are `i64`: `tracing-opentelemetry` exports every other integer type as text.

use reqwest::Url;
use tracing::field::Empty;
use tracing::{Span, debug, info_span, trace, warn};

use crate::api::operation;
use crate::error::{Error, ErrorKind, whole_seconds};
use crate::model::ids::UserId;
use crate::model::query::{AskedBy, PaymentQuery};

/// What users filter by. It is not the module's path, so that it stays when a file moves.
const TARGET: &str = "figma_payments::client";

pub(super) fn of_call(base_url: &Url, query: &PaymentQuery) -> Span {
    let span = info_span!(
        target: TARGET,
        "figma_payments.get_payments",
        "otel.kind" = "client",
        "otel.name" = operation::NAME,
        "otel.status_code" = Empty,
        "http.request.method" = operation::METHOD,
        "url.scheme" = base_url.scheme(),
        "url.template" = operation::PATH,
        "server.address" = base_url.host_str(),
        "server.port" = base_url.port_or_known_default().map(i64::from),
        "http.response.status_code" = Empty,
        "http.request.resend_count" = Empty,
        "error.type" = Empty,
    );
    let user = query.user().map(UserId::as_str);
    trace!(target: TARGET, parent: &span, user_id = user, "call began");
    span
}

pub(super) fn retry_began(span: &Span, resend_count: u32) {
    span.record("http.request.resend_count", i64::from(resend_count));
}

pub(super) fn attempt_succeeded(attempt: u32) {
    let attempt = i64::from(attempt);
    debug!(
        target: TARGET,
        { "http.response.status_code" = 200_i64, attempt },
        "attempt succeeded"
    );
}

/// The server's message may name a user, so it is logged only at level `trace`.
pub(super) fn attempt_failed(attempt: u32, asked_by: AskedBy, error: &Error) {
    let attempt = i64::from(attempt);
    let seconds = |wait| i64::try_from(whole_seconds(wait)).unwrap_or(i64::MAX);
    // The macros need the level as a constant.
    macro_rules! attempt_failed {
        ($level:ident) => {
            $level!(
                target: TARGET,
                {
                    "http.response.status_code" = error.status().map(i64::from),
                    "error.type" = error.kind().as_str(),
                    attempt,
                    request_id = error.request_id(),
                    retry_after_seconds = error.retry_after().map(seconds)
                },
                "attempt failed"
            )
        };
    }
    match is_about_the_token(asked_by, error) {
        true => attempt_failed!(debug),
        false => attempt_failed!(warn),
    }
    trace!(target: TARGET, attempt, %error, "attempt failed");
}

/// Whether the payment token is refused, or is another resource's. Anybody can send such
/// tokens, as many as they like.
fn is_about_the_token(asked_by: AskedBy, error: &Error) -> bool {
    let kinds = [ErrorKind::Unauthorized, ErrorKind::Mismatch];
    asked_by == AskedBy::Token && kinds.contains(&error.kind())
}

/// OpenTelemetry leaves the status of a call that succeeded unset.
pub(super) fn call_ended(span: &Span, error: Option<&Error>) {
    let status = error.map_or(Some(200), Error::status);
    span.record("http.response.status_code", status.map(i64::from));
    if let Some(error) = error {
        span.record("error.type", error.kind().as_str());
        span.record("otel.status_code", "ERROR");
    }
}
