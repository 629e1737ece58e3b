//! From what came back to an answer or an error. Error bodies are read
//! leniently: whatever the server said is kept, as far as it is readable.

mod shape;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use progenitor_client::ResponseValue;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::error::Category;

use crate::api::types::GetPaymentsResponseBody;
use crate::api::types::PaymentInformation;
use crate::client::redact::Secrets;
use crate::error::{Answer, Mismatched, RateLimit};
use crate::error::{Error, ErrorKind};
use crate::model::query::PaymentQuery;
use crate::platform::attempt::{Failure, Fault, Transport};
use crate::platform::clock::Calendar;

/// No answer of this operation comes near it; a longer body is not read on, and
/// the call fails with [`BodyTooLarge`](crate::ErrorKind::BodyTooLarge).
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// As much of what a server said as an error keeps, in characters.
const MAX_MESSAGE: usize = 1024;

/// As much of any other header as an error keeps, in characters.
const MAX_HEADER: usize = 256;

/// Headers in which servers and the proxies before them name a request.
const REQUEST_IDS: [&str; 4] = ["x-request-id", "x-figma-request-id", "x-amzn-requestid", "cf-ray"];

type Decoded = Result<ResponseValue<GetPaymentsResponseBody>, Failure>;

/// What came back.
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, BodyError>,
}

/// Why a body could not be read to its end.
pub(crate) enum BodyError {
    TooLarge,
    Broken(Fault),
}

/// Judges one attempt at this question.
pub(crate) fn read(
    decoded: Decoded,
    transport: Transport,
    query: &PaymentQuery,
    secrets: &Secrets<'_>,
) -> Result<PaymentInformation, Error> {
    let timeout = transport.timeout;
    let exchange = match transport.into_outcome() {
        Some(Ok(exchange)) => exchange,
        Some(Err(fault)) => return Err(unanswered(&fault, timeout, secrets)),
        None => return Err(unaskable()),
    };
    let error = if exchange.status != StatusCode::OK {
        refused(&exchange, secrets)
    } else {
        match (&exchange.body, decoded) {
            (Err(BodyError::TooLarge), _) => {
                let message = format!("the answer is longer than {MAX_BODY_BYTES} bytes");
                Error::new(ErrorKind::BodyTooLarge, message)
            }
            (Err(BodyError::Broken(error)), _) => {
                let (kind, why) = broken(error, timeout, secrets);
                Error::new(kind, format!("the answer did not arrive whole: {why}"))
            }
            (Ok(_), Ok(value)) if value.error || value.status.as_f64() != Some(200.0) => {
                Error::new(ErrorKind::InvalidResponse, "a success that says it is an error")
            }
            (Ok(body), Ok(_)) if !shape::has_objects(body) => {
                Error::new(ErrorKind::InvalidResponse, "the answer has a list for an object")
            }
            (Ok(_), Ok(value)) => match query.verify(&value.meta) {
                Ok(()) => return Ok(value.into_inner().meta),
                Err(mismatch) => {
                    let answer = Mismatched(value.into_inner().meta);
                    mismatch.with(|it| it.mismatched = Some(answer))
                }
            },
            (Ok(_), Err(Failure::InvalidResponsePayload(_, error))) => {
                // Not the decoder's own words: they quote what may be about a user.
                let (line, column) = (error.line(), error.column());
                let what = match error.classify() {
                    Category::Data => "a field is missing or not what it should be",
                    _ => "it is not whole JSON",
                };
                let message =
                    format!("the answer is not readable: {what}, line {line} column {column}");
                Error::new(ErrorKind::InvalidResponse, message)
            }
            (Ok(_), Err(_)) => Error::new(ErrorKind::InvalidResponse, "no answer that is known"),
        }
    };
    Err(described(error, &exchange, secrets))
}

fn unaskable() -> Error {
    Error::configuration("no request can be made from the base URL and the headers")
}

/// No answer began to arrive.
fn unanswered(fault: &Fault, timeout: Duration, secrets: &Secrets<'_>) -> Error {
    if fault.is_builder() {
        return unaskable();
    }
    let (kind, why) = broken(fault, timeout, secrets);
    let sent = !fault.is_connect();
    Error::new(kind, format!("no answer: {why}")).with(|it| it.sent = sent)
}

/// The kind, and the causes one after the other. The library's own first line
/// is left out: it holds the URL.
fn broken(error: &Fault, timeout: Duration, secrets: &Secrets<'_>) -> (ErrorKind, String) {
    if error.is_timeout() {
        let why = match error.is_connect() {
            true => "connecting took too long".to_owned(),
            false => format!("the attempt took too long; {timeout:?} were left for it"),
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

/// An answer other than 200.
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
fn described(error: Error, exchange: &Exchange, secrets: &Secrets<'_>) -> Error {
    let headers = &exchange.headers;
    // Of a body that did not arrive whole nothing is quoted: it may end inside a secret.
    let body = exchange.body.as_deref().unwrap_or_default();
    let text = |name: &str| header(headers, name, secrets);
    let limit = RateLimit {
        plan_tier: text("x-figma-plan-tier"),
        limit_type: text("x-figma-rate-limit-type"),
        upgrade_link: text("x-figma-upgrade-link"),
    };
    let said = api_message(body, exchange.status.is_success(), secrets);
    let answer = Answer {
        status: Some(exchange.status.as_u16()),
        retry_after: retry_after(headers, Calendar::now()),
        rate_limit: (limit != RateLimit::default()).then_some(limit),
        request_id: REQUEST_IDS.into_iter().find_map(text),
        api_message: said.map(|said| bounded(&said, MAX_MESSAGE)),
    };
    error.with(|details| details.answer = answer)
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
