//! Functions for the fuzzer (`--cfg fuzzing`). They run what [`Client`](crate::Client)
//! runs on a response, without a network.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::api::types::PaymentInformation;
use crate::client::decode;
use crate::client::redact::Secrets;
use crate::error::Error;
use crate::model::credentials::PersonalAccessToken;
use crate::model::query::PaymentQuery;
use crate::platform::exchange::{Attempted, BindingsError, Exchange};

/// Decodes a response to `query` as the client does.
///
/// # Errors
///
/// Those of [`Client::get_payments`](crate::Client::get_payments).
pub fn read(
    query: &PaymentQuery,
    access: &PersonalAccessToken,
    status: u16,
    headers: HeaderMap,
    body: &[u8],
) -> Result<PaymentInformation, Error> {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let decoded = match status {
        StatusCode::OK => serde_json::from_slice(body).map_err(BindingsError::Json),
        _ => Err(BindingsError::Other),
    };
    let body = Ok(Bytes::copy_from_slice(body));
    let outcome = Some(Ok(Exchange { status, headers, body }));
    let attempted = Attempted { timeout: Duration::from_secs(1), outcome, decoded };
    let secrets = Secrets { access, payment: query.payment_token() };
    decode::decode(attempted, query, &secrets)
}

/// Parses a `Retry-After` header as the client does.
pub fn retry_after(text: &str) -> Option<Duration> {
    decode::parse_retry_after(text, SystemTime::now())
}
