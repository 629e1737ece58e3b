//! Turns a response into a [`PaymentInformation`] or an [`Error`]. A success must be
//! exactly what the document describes. From an error response, the error keeps all that
//! can be read.

mod shape;

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::error::Category;

use super::redact::Secrets;
use crate::api::types::{GetPaymentsResponseBody, PaymentInformation};
use crate::error::{Error, ErrorKind, Mismatched, RateLimitHeaders, Response};
use crate::model::query::PaymentQuery;
use crate::platform::clock::Calendar;
use crate::platform::error::HttpError;
use crate::platform::exchange::{Attempted, BindingsError, BodyError, Exchange, MAX_BODY_BYTES};

/// How much an error keeps of the server's message, in characters.
const MAX_MESSAGE: usize = 1024;

/// How much an error keeps of a header, in characters.
const MAX_HEADER: usize = 256;

/// Headers in which servers and proxies give a request its id.
const REQUEST_IDS: [&str; 4] = ["x-request-id", "x-figma-request-id", "x-amzn-requestid", "cf-ray"];

/// The result of one attempt at this query.
pub(crate) fn decode(
    attempted: Attempted,
    query: &PaymentQuery,
    secrets: &Secrets<'_>,
) -> Result<PaymentInformation, Error> {
    let Attempted { timeout, outcome, decoded } = attempted;
    let exchange = match outcome {
        Some(Ok(exchange)) => exchange,
        Some(Err(error)) => return Err(no_response(&error, timeout, secrets)),
        None => return Err(unbuildable_request()),
    };
    let error = if exchange.status != StatusCode::OK {
        error_status(&exchange, secrets)
    } else {
        match &exchange.body {
            Err(BodyError::TooLarge) => Error::new(
                ErrorKind::BodyTooLarge,
                format!("the response body is longer than {MAX_BODY_BYTES} bytes"),
            ),
            Err(BodyError::Broken(error)) => {
                let Cause { kind, text } = cause(error, timeout, secrets);
                Error::new(kind, format!("the response body did not arrive completely: {text}"))
            }
            Ok(body) => match success(decoded, body, query) {
                Ok(payment) => return Ok(payment),
                Err(error) => error,
            },
        }
    };
    Err(with_response(error, &exchange, secrets))
}

/// The result of a response with status 200 and a complete body.
fn success(
    decoded: Result<GetPaymentsResponseBody, BindingsError>,
    body: &[u8],
    query: &PaymentQuery,
) -> Result<PaymentInformation, Error> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidResponse, message));
    let response = match decoded {
        Ok(response) => response,
        Err(BindingsError::Json(error)) => return invalid(describe_json_error(&error)),
        Err(BindingsError::Other) => {
            return invalid("the status is 200, but the body could not be decoded".to_owned());
        }
    };
    if response.error || response.status.as_f64() != Some(200.0) {
        return invalid(
            "the HTTP status is 200, but `error` or `status` in the body says that the request failed"
                .to_owned(),
        );
    }
    if !shape::is_object_with_meta_object(body) {
        return invalid("the body has a JSON array where an object is expected".to_owned());
    }
    match query.verify(&response.meta) {
        Ok(()) => Ok(response.meta),
        Err(mismatch) => {
            Err(mismatch.with(|details| details.mismatched = Some(Mismatched(response.meta))))
        }
    }
}

/// Where and why the body is not what the document describes. serde's own message is
/// not used, because it quotes values, which may be about a user.
fn describe_json_error(error: &serde_json::Error) -> String {
    let problem = match error.classify() {
        Category::Data => "a field is missing or has another type than the document says",
        _ => "it is not complete JSON",
    };
    let line = error.line();
    let column = error.column();
    format!("the response body cannot be read: {problem} (line {line}, column {column})")
}

fn unbuildable_request() -> Error {
    Error::configuration(
        "the settings `base_url` and `user_agent` do not make a valid HTTP request; check both",
    )
}

/// The error of an attempt that got no response at all.
fn no_response(error: &HttpError, timeout: Duration, secrets: &Secrets<'_>) -> Error {
    if error.is_builder() {
        return unbuildable_request();
    }
    let Cause { kind, text } = cause(error, timeout, secrets);
    let may_have_arrived = !error.is_connect();
    Error::new(kind, format!("no response: {text}"))
        .with(|details| details.may_have_arrived = may_have_arrived)
}

/// Why an attempt failed.
struct Cause {
    kind: ErrorKind,
    text: String,
}

/// The kind of the error, and its sources one after the other. The message of the error
/// itself is left out, because it has the URL.
fn cause(error: &HttpError, timeout: Duration, secrets: &Secrets<'_>) -> Cause {
    if error.is_timeout() {
        let text = match error.is_connect() {
            true => "connecting took longer than `connect_timeout`; check the network, or set a longer time".to_owned(),
            false => format!(
                "the attempt took longer than {timeout:?} (`timeout`, or what was left of `deadline`)"
            ),
        };
        return Cause { kind: ErrorKind::Timeout, text };
    }
    let kind = if error.is_connect() { ErrorKind::Connect } else { ErrorKind::Transport };
    let sources = std::iter::successors(error.source(), |source| (*source).source());
    let mut sources: Vec<String> = sources.map(ToString::to_string).collect();
    sources.dedup();
    let text = match sources.is_empty() {
        true => "the connection failed".to_owned(),
        false => secrets.redact(&sources.join(": ")),
    };
    Cause { kind, text }
}

/// The error for a response with another status than 200.
fn error_status(exchange: &Exchange, secrets: &Secrets<'_>) -> Error {
    let status = exchange.status;
    let kind = match status.as_u16() {
        300..=399 => ErrorKind::Redirect,
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::BadRequest,
        500.. => ErrorKind::Server,
        _ => ErrorKind::InvalidResponse,
    };
    let message = match redirect_host(exchange).filter(|_| kind == ErrorKind::Redirect) {
        Some(host) => {
            format!("the server answered {status}, a redirect to {}", secrets.redact(&host))
        }
        None => format!("the server answered {status}"),
    };
    Error::new(kind, message)
}

/// The host in the header `Location`. The rest of that URL may have a secret.
fn redirect_host(exchange: &Exchange) -> Option<String> {
    let location = exchange.headers.get(LOCATION)?.to_str().ok()?;
    Some(reqwest::Url::parse(location).ok()?.host_str()?.to_owned())
}

/// Adds the status, the headers and the message of the response.
fn with_response(error: Error, exchange: &Exchange, secrets: &Secrets<'_>) -> Error {
    let headers = &exchange.headers;
    // No message from an incomplete body: it may end in the middle of a secret.
    let body = exchange.body.as_deref().unwrap_or_default();
    let text = |name: &str| header(headers, name, secrets);
    let limit = RateLimitHeaders {
        plan_tier: text("x-figma-plan-tier"),
        limit_type: text("x-figma-rate-limit-type"),
        upgrade_link: text("x-figma-upgrade-link"),
    };
    let message = api_message(body, exchange.status.is_success(), secrets);
    let response = Response {
        status: Some(exchange.status.as_u16()),
        retry_after: retry_after(headers, Calendar::now()),
        rate_limit: (limit != RateLimitHeaders::default()).then_some(limit),
        request_id: REQUEST_IDS.into_iter().find_map(text),
        api_message: message.map(|message| shortened(&message, MAX_MESSAGE)),
    };
    error.with(|details| details.response = response)
}

fn header(headers: &HeaderMap, name: &str, secrets: &Secrets<'_>) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| shortened(&secrets.redact(text), MAX_HEADER))
}

/// `Retry-After`, in seconds or as an HTTP date. The longest one, if there are several.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter();
    let waits = values.filter_map(|value| parse_retry_after(value.to_str().ok()?, now));
    waits.max()
}

pub(crate) fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The server's message: `message` or `err` of a JSON object, a JSON string, or plain
/// text. There is none for a success whose JSON cannot be read: it may be about a user.
fn api_message(body: &[u8], success: bool, secrets: &Secrets<'_>) -> Option<String> {
    let message = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(body)) => {
            let mut keys = [body.get("message"), body.get("err")].into_iter().flatten();
            match keys.find(|message| !message.is_null())? {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            }
        }
        Ok(serde_json::Value::String(text)) => text,
        Ok(_) => return None,
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            let looks_like_json = text.trim_start().starts_with(['{', '[', '"']);
            if success && looks_like_json {
                return None;
            }
            text.into_owned()
        }
    };
    // Redacted before white space changes, because a secret may contain white space.
    let message = secrets.redact(&message);
    let words: Vec<&str> = message.split_whitespace().collect();
    let message = words.join(" ").replace(char::is_control, "");
    (!message.is_empty()).then_some(message)
}

fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
