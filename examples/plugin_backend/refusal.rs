//! What the plugin is answered in place of what it asked for: a status, a word
//! that the plugin can rely on, and how long it should wait.
//!
//! "Has not paid" is one thing, "could not tell" another: a buyer who is asked to
//! pay again is angry.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use figma_payments::{Error, ErrorKind};
use serde_json::json;

/// The plugin's user is not kept waiting for longer. Figma may ask for days.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// When nobody says how long an outage lasts.
const USUAL_WAIT: Duration = Duration::from_secs(5);

pub enum Refusal {
    /// No payment token came with the request.
    NoToken,
    /// Figma said so.
    Unpaid,
    /// This caller asks too often.
    TooOften(Duration),
    /// As many questions are under way as may be.
    Busy,
    /// There is no answer about this token, or none that counts.
    NoAnswer(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::NoAnswer(error)
    }
}

impl Refusal {
    /// The words are part of the API: the plugin decides by them and by the
    /// status.
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Refusal::NoToken => (StatusCode::UNAUTHORIZED, "token_missing"),
            Refusal::Unpaid => (StatusCode::PAYMENT_REQUIRED, "payment_required"),
            Refusal::TooOften(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Refusal::NoAnswer(error) => match error.kind() {
                ErrorKind::InvalidQuery | ErrorKind::BadRequest => {
                    (StatusCode::BAD_REQUEST, "bad_request")
                }
                ErrorKind::Unauthorized => (StatusCode::UNAUTHORIZED, "token_refused"),
                ErrorKind::Mismatch => (StatusCode::FORBIDDEN, "wrong_plugin"),
                ErrorKind::Configuration => (StatusCode::INTERNAL_SERVER_ERROR, "misconfigured"),
                _ => (StatusCode::SERVICE_UNAVAILABLE, "cannot_tell"),
            },
        }
    }

    /// Every 429 and 503 says when to come back.
    fn wait(&self, status: StatusCode) -> Option<Duration> {
        match (self, status) {
            (Refusal::TooOften(wait), _) => Some(*wait),
            (Refusal::NoAnswer(error), StatusCode::SERVICE_UNAVAILABLE) => {
                Some(error.retry_after().unwrap_or(USUAL_WAIT))
            }
            (Refusal::Busy, _) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// For whoever runs the backend. The error holds no token; each failed
    /// attempt has been logged by the client.
    fn log(&self, word: &str) {
        match self {
            // These do not pass by themselves: the access token, the id, the
            // base URL, or this program has to change.
            Refusal::NoAnswer(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Configuration
                        | ErrorKind::BadRequest
                        | ErrorKind::Forbidden
                        | ErrorKind::NotFound
                        | ErrorKind::Redirect
                        | ErrorKind::BodyTooLarge
                        | ErrorKind::InvalidResponse
                ) =>
            {
                tracing::error!(kind = ?error.kind(), word, "somebody has to act");
            }
            _ => tracing::debug!(word, "refused"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, word) = self.status();
        self.log(word);
        let mut response = (status, Json(json!({ "error": word }))).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.wait(status) {
            headers.insert(RETRY_AFTER, whole_seconds(wait).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            // HTTP demands it; for this scheme no browser asks for a password.
            headers.insert(WWW_AUTHENTICATE, "Bearer".parse().expect("a header value"));
        }
        response
    }
}

/// Rounded up, so that nobody comes back too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.min(LONGEST_WAIT).as_millis().div_ceil(1000).max(1) as u64
}
