//! From a response to a [`PaymentInformation`] or an [`Error`]. Error bodies are
//! read leniently: the error keeps whatever is readable of them.

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

/// As much of what a server said as an error keeps, in characters.
const MAX_MESSAGE: usize = 1024;

/// As much of any other header as an error keeps, in characters.
const MAX_HEADER: usize = 256;

/// Headers in which servers and the proxies before them name a request.
const REQUEST_IDS: [&str; 4] = ["x-request-id", "x-figma-request-id", "x-amzn-requestid", "cf-ray"];

/// Judges one attempt at this question.
pub(crate) fn decode(
    attempted: Attempted,
    query: &PaymentQuery,
    secrets: &Secrets<'_>,
) -> Result<PaymentInformation, Error> {
    let Attempted { timeout, outcome, decoded } = attempted;
    let exchange = match outcome {
        Some(Ok(exchange)) => exchange,
        Some(Err(error)) => return Err(no_response(&error, timeout, secrets)),
        None => return Err(no_request()),
    };
    let error = if exchange.status != StatusCode::OK {
        refused(&exchange, secrets)
    } else {
        match &exchange.body {
            Err(BodyError::TooLarge) => Error::new(
                ErrorKind::BodyTooLarge,
                format!("the response body is longer than {MAX_BODY_BYTES} bytes"),
            ),
            Err(BodyError::Broken(error)) => {
                let (kind, why) = cause(error, timeout, secrets);
                Error::new(kind, format!("the response body did not arrive completely: {why}"))
            }
            Ok(body) => match success(decoded, body, query) {
                Ok(payment) => return Ok(payment),
                Err(error) => error,
            },
        }
    };
    Err(with_response(error, &exchange, secrets))
}

/// A 200 with all of its body.
fn success(
    decoded: Result<GetPaymentsResponseBody, BindingsError>,
    body: &[u8],
    query: &PaymentQuery,
) -> Result<PaymentInformation, Error> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidResponse, message));
    let response = match decoded {
        Ok(response) => response,
        Err(BindingsError::Json(error)) => return invalid(unreadable(&error)),
        Err(BindingsError::Other) => {
            return invalid("the status is 200, but the body could not be decoded".to_owned());
        }
    };
    if response.error || response.status.as_f64() != Some(200.0) {
        return invalid(
            "the HTTP status is 200, but the body says that the request failed (`error` or `status` in it)"
                .to_owned(),
        );
    }
    if !shape::has_objects(body) {
        return invalid("the body has a JSON array where an object is expected".to_owned());
    }
    match query.verify(&response.meta) {
        Ok(()) => Ok(response.meta),
        Err(mismatch) => {
            Err(mismatch.with(|details| details.mismatched = Some(Mismatched(response.meta))))
        }
    }
}

/// Not in the decoder's own words: they quote what may be about a user.
fn unreadable(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Data => "a field is missing or has another type than the document says",
        _ => "it is not complete JSON",
    };
    let (line, column) = (error.line(), error.column());
    format!("the response body cannot be read: {what} (line {line}, column {column})")
}

fn no_request() -> Error {
    Error::configuration(
        "no request can be made from `base_url` and the headers; check `base_url` and `user_agent`",
    )
}

/// Nothing began to arrive.
fn no_response(error: &HttpError, timeout: Duration, secrets: &Secrets<'_>) -> Error {
    if error.is_builder() {
        return no_request();
    }
    let (kind, why) = cause(error, timeout, secrets);
    let sent = !error.is_connect();
    Error::new(kind, format!("no response: {why}")).with(|details| details.sent = sent)
}

/// The kind, and the causes one after the other. The library's own first line
/// is left out: it holds the URL.
fn cause(error: &HttpError, timeout: Duration, secrets: &Secrets<'_>) -> (ErrorKind, String) {
    if error.is_timeout() {
        let why = match error.is_connect() {
            true => "connecting took too long (`connect_timeout`)".to_owned(),
            false => format!(
                "the attempt took longer than the {timeout:?} it had (`timeout`, or what was left of `deadline`)"
            ),
        };
        return (ErrorKind::Timeout, why);
    }
    let kind = if error.is_connect() { ErrorKind::Connect } else { ErrorKind::Transport };
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let mut causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.dedup();
    let why = match causes.is_empty() {
        true => "the connection failed".to_owned(),
        false => causes.join(": "),
    };
    (kind, secrets.redact(&why))
}

/// A response with another status than 200.
fn refused(exchange: &Exchange, secrets: &Secrets<'_>) -> Error {
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
    let host = exchange.headers.get(LOCATION).and_then(|location| {
        let url = reqwest::Url::parse(location.to_str().ok()?).ok()?;
        Some(format!(" to {}", secrets.redact(url.host_str()?)))
    });
    let host = host.filter(|_| kind == ErrorKind::Redirect).unwrap_or_default();
    Error::new(kind, format!("the server answered {status}{host}"))
}

/// Adds what the status line, the headers and the body say.
fn with_response(error: Error, exchange: &Exchange, secrets: &Secrets<'_>) -> Error {
    let headers = &exchange.headers;
    // A body that did not arrive completely is not quoted: it may end inside a secret.
    let body = exchange.body.as_deref().unwrap_or_default();
    let text = |name: &str| header(headers, name, secrets);
    let limit = RateLimitHeaders {
        plan_tier: text("x-figma-plan-tier"),
        limit_type: text("x-figma-rate-limit-type"),
        upgrade_link: text("x-figma-upgrade-link"),
    };
    let said = api_message(body, exchange.status.is_success(), secrets);
    let response = Response {
        status: Some(exchange.status.as_u16()),
        retry_after: retry_after(headers, Calendar::now()),
        rate_limit: (limit != RateLimitHeaders::default()).then_some(limit),
        request_id: REQUEST_IDS.into_iter().find_map(text),
        api_message: said.map(|said| bounded(&said, MAX_MESSAGE)),
    };
    error.with(|details| details.response = response)
}

fn header(headers: &HeaderMap, name: &str, secrets: &Secrets<'_>) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| bounded(&secrets.redact(text), MAX_HEADER))
}

/// `Retry-After`, in seconds or as an HTTP date; the longest, if there are
/// several; nothing, if it is neither.
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

/// What the server said: `message` or `err` of a JSON object, or else the text.
/// A success that cannot be read is not quoted: it may be about a user.
fn api_message(body: &[u8], success: bool, secrets: &Secrets<'_>) -> Option<String> {
    let said = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(body)) => {
            let mut keys = [body.get("message"), body.get("err")].into_iter().flatten();
            match keys.find(|said| !said.is_null())? {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            }
        }
        Ok(serde_json::Value::String(text)) => text,
        Ok(_) => return None,
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            let json = text.trim_start().starts_with(['{', '[', '"']);
            match success && json {
                true => return None,
                false => text.into_owned(),
            }
        }
    };
    // Before white space is changed, which a secret may have in it.
    let said = secrets.redact(&said);
    let words: Vec<&str> = said.split_whitespace().collect();
    let said = words.join(" ").replace(char::is_control, "");
    (!said.is_empty()).then_some(said)
}

fn bounded(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
