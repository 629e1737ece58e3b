//! The answer when the plugin does not get what it asked for: a status, a word that
//! the plugin can rely on, and how long to wait.
//!
//! "Has not paid" and "could not find out" are two different answers. If you mix them
//! up, you ask buyers to pay twice.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use figma_payments::{Error, ErrorKind};
use serde_json::json;

/// The longest `Retry-After` that the plugin gets. Figma may ask for days.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The `Retry-After`, in seconds, of an outage whose length is not known.
const USUAL_WAIT: u64 = 5;

pub enum Refusal {
    /// No payment token came with the request.
    NoToken,
    /// Figma says that this user has not paid.
    Unpaid,
    /// This caller asks too often, and has to wait this long.
    TooOften(Duration),
    /// The backend already waits for as many answers from Figma as it may.
    Busy,
    /// It could not be found out whether this user has paid.
    NoAnswer(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::NoAnswer(error)
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Refusal::NoToken => StatusCode::UNAUTHORIZED,
            Refusal::Unpaid => StatusCode::PAYMENT_REQUIRED,
            Refusal::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::NoAnswer(error) => StatusCode::from_u16(error.suggested_status())
                .unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// A word that the plugin can decide by. It is part of this backend's API.
    fn word(&self) -> &'static str {
        match self {
            Refusal::NoToken => "token_missing",
            Refusal::Unpaid => "payment_required",
            Refusal::TooOften(_) => "too_many_requests",
            Refusal::Busy => "busy",
            Refusal::NoAnswer(error) => match error.suggested_status() {
                400 => "bad_request",
                401 => "token_refused",
                403 => "wrong_plugin",
                500 => "misconfigured",
                _ => "cannot_tell",
            },
        }
    }

    /// When to ask again, in seconds. Every 429 and 503 says so.
    fn retry_after(&self) -> Option<u64> {
        match self {
            // Rounded up, so that nobody comes back too early.
            Refusal::TooOften(wait) => Some(wait.as_secs_f64().ceil() as u64),
            Refusal::Busy => Some(1),
            Refusal::NoAnswer(error) if error.suggested_status() == 503 => {
                Some(error.suggested_retry_after(LONGEST_WAIT).unwrap_or(USUAL_WAIT))
            }
            Refusal::NoAnswer(_) | Refusal::NoToken | Refusal::Unpaid => None,
        }
    }

    /// For the people who run the backend. The error holds no token, and the client
    /// has logged each failed attempt.
    fn log(&self) {
        let word = self.word();
        match self {
            // Waiting does not help with these: the access token, the id, the base
            // URL, or this program has to change.
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
                tracing::error!(kind = %error.kind(), word, "somebody has to act");
            }
            _ => tracing::debug!(word, "refused"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.log();
        let status = self.status();
        let mut response = (status, Json(json!({ "error": self.word() }))).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            // HTTP requires this header with 401. With `Bearer` no browser asks for a
            // password.
            headers.insert(WWW_AUTHENTICATE, "Bearer".parse().expect("a header value"));
        }
        response
    }
}
