//! Why a request does not get through, and the response that says so:
//! `application/problem+json`, as RFC 9457 has it.
//!
//! "Has not paid" and "could not find out" are two different answers. If you mix them up,
//! you ask buyers to pay twice.

use std::time::Duration;

use bytes::Bytes;
use figma_payments::{Error, ErrorKind};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::admission::NotAdmitted;

/// The longest `Retry-After` after an error. Figma may ask for days.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The `Retry-After`, in seconds, of an outage whose length is not known.
const USUAL_WAIT: u64 = 5;

/// The `Retry-After`, in seconds, if too many questions are under way.
const BUSY_WAIT: u64 = 1;

/// Why a request does not get through.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No payment token came with the request.
    NoToken,
    /// The user has not paid.
    Unpaid,
    NotAdmitted(NotAdmitted),
    /// It could not be found out whether the user has paid.
    NoAnswer(Error),
    Misconfigured(Mistake),
}

/// Something that only those who run the backend can mend.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mistake {
    /// Nobody knows who asks.
    NoCaller,
    /// A function that was given to the gate has panicked.
    Panic(&'static str),
    /// A route takes a `Paying`, and no gate is before it.
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only the extractor finds it"))]
    NoGate,
}

/// The body of a refusal.
#[derive(Serialize)]
struct ProblemDetails {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
}

/// The kinds of refusals. Plugins and dashboards rely on their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    TokenMissing,
    TokenRefused,
    PaymentRequired,
    WrongResource,
    BadRequest,
    TooManyRequests,
    Busy,
    CannotTell,
    Misconfigured,
}

impl Problem {
    #[cfg_attr(not(any(test, feature = "metrics")), expect(dead_code, reason = "for metrics"))]
    pub(crate) const ALL: [Problem; 9] = [
        Problem::TokenMissing,
        Problem::TokenRefused,
        Problem::PaymentRequired,
        Problem::WrongResource,
        Problem::BadRequest,
        Problem::TooManyRequests,
        Problem::Busy,
        Problem::CannotTell,
        Problem::Misconfigured,
    ];

    /// Its name in logs and metrics. Its `type` ends in the same, with hyphens.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Problem::TokenMissing => "token_missing",
            Problem::TokenRefused => "token_refused",
            Problem::PaymentRequired => "payment_required",
            Problem::WrongResource => "wrong_resource",
            Problem::BadRequest => "bad_request",
            Problem::TooManyRequests => "too_many_requests",
            Problem::Busy => "busy",
            Problem::CannotTell => "cannot_tell",
            Problem::Misconfigured => "misconfigured",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Problem::TokenMissing | Problem::TokenRefused => StatusCode::UNAUTHORIZED,
            Problem::PaymentRequired => StatusCode::PAYMENT_REQUIRED,
            Problem::WrongResource => StatusCode::FORBIDDEN,
            Problem::BadRequest => StatusCode::BAD_REQUEST,
            Problem::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Problem::Busy | Problem::CannotTell => StatusCode::SERVICE_UNAVAILABLE,
            Problem::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Problem::TokenMissing => "A payment token is missing",
            Problem::TokenRefused => "Figma refused the payment token",
            Problem::PaymentRequired => "The user has not paid",
            Problem::WrongResource => "The payment token is for something else",
            Problem::BadRequest => "The question cannot be asked",
            Problem::TooManyRequests => "This caller asks too often",
            Problem::Busy => "Too many questions are under way",
            Problem::CannotTell => "It could not be found out whether the user has paid",
            Problem::Misconfigured => "The backend is not set up correctly",
        }
    }
}

impl Refusal {
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Refusal::NoToken => Problem::TokenMissing,
            Refusal::Unpaid => Problem::PaymentRequired,
            Refusal::NotAdmitted(NotAdmitted::TooManyRequests(_)) => Problem::TooManyRequests,
            Refusal::NotAdmitted(NotAdmitted::Busy) => Problem::Busy,
            Refusal::NoAnswer(error) => match error.suggested_status() {
                400 => Problem::BadRequest,
                401 => Problem::TokenRefused,
                403 => Problem::WrongResource,
                500 => Problem::Misconfigured,
                _ => Problem::CannotTell,
            },
            Refusal::Misconfigured(_) => Problem::Misconfigured,
        }
    }

    /// What whoever reads the response can do. It holds no secret.
    fn detail(&self) -> String {
        let detail = match self {
            Refusal::Misconfigured(mistake) => return mistake.to_string(),
            // The message says what is wrong with the token.
            Refusal::NoAnswer(error) if error.kind() == ErrorKind::InvalidQuery => {
                return error.to_string();
            }
            _ => match self.problem() {
                Problem::TokenMissing => {
                    "Send what getPluginPaymentTokenAsync() returned, in the header `Authorization: Bearer …` or where this backend expects it."
                }
                Problem::TokenRefused => {
                    "It has expired, was used before, or was not made by Figma. Make a new one, and ask once more."
                }
                Problem::PaymentRequired => {
                    "After a purchase make a new payment token, and ask again."
                }
                Problem::WrongResource => {
                    "This route is for the users of another plugin or widget than the one that made the payment token."
                }
                Problem::BadRequest => "Figma refused the question.",
                Problem::TooManyRequests | Problem::Busy | Problem::CannotTell => {
                    "This says nothing about the user: do not ask them to pay. Ask again later."
                }
                Problem::Misconfigured => "Its log says what is wrong.",
            },
        };
        detail.to_owned()
    }

    /// When to ask again, in seconds. Every 429 and 503 says so.
    fn retry_after(&self) -> Option<u64> {
        match self {
            // Rounded up, so that nobody comes back too early.
            Refusal::NotAdmitted(NotAdmitted::TooManyRequests(wait)) => {
                let begun = u64::from(wait.subsec_nanos() > 0);
                Some((wait.as_secs() + begun).max(1))
            }
            Refusal::NotAdmitted(NotAdmitted::Busy) => Some(BUSY_WAIT),
            Refusal::NoAnswer(error) if self.problem() == Problem::CannotTell => {
                Some(error.suggested_retry_after(LONGEST_WAIT).unwrap_or(USUAL_WAIT))
            }
            Refusal::NoAnswer(_)
            | Refusal::NoToken
            | Refusal::Unpaid
            | Refusal::Misconfigured(_) => None,
        }
    }

    pub(crate) fn response<B>(&self, body: impl FnOnce(Bytes) -> B) -> Response<B> {
        let problem = self.problem();
        let status = problem.status();
        let details = ProblemDetails {
            r#type: format!("urn:figma-payments:{}", problem.reason().replace('_', "-")),
            title: problem.title(),
            status: status.as_u16(),
            detail: self.detail(),
        };
        let text = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = Response::new(body(text.into()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            // HTTP requires this header with 401. With `Bearer` no browser asks for a
            // password.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Mistake::NoCaller => f.write_str(
                "The gate does not know who asks, and asks Figma for nobody. With axum, serve the app by into_make_service_with_connect_info::<SocketAddr>(), and turn on the feature `axum` of figma-payments-gate. With another server, insert a PeerAddress into the request's extensions. Behind a proxy, give PaymentGate::caller_from a function.",
            ),
            Mistake::Panic(name) => {
                write!(f, "The function that was given to PaymentGate::{name} panicked.")
            }
            Mistake::NoGate => f.write_str(
                "This route takes a Paying user, but no PaymentGate is before it. Add .route_layer(gate) after the route.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (wait, seconds) in [
            (Duration::ZERO, 1),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(1), 1),
            (Duration::from_nanos(1_000_000_001), 2),
            (Duration::from_secs(60), 60),
        ] {
            let refusal = Refusal::NotAdmitted(NotAdmitted::TooManyRequests(wait));
            assert_eq!(refusal.retry_after(), Some(seconds), "{wait:?}");
        }
    }

    #[test]
    fn each_problem_has_a_name_of_its_own_and_is_no_success() {
        let mut names: Vec<_> = Problem::ALL.iter().map(|problem| problem.reason()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Problem::ALL.len());
        for problem in Problem::ALL {
            assert!(problem.status().is_client_error() || problem.status().is_server_error());
        }
    }
}
