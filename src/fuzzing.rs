//! Ways in for the fuzzer (`--cfg fuzzing`): the code that [`Client`](crate::Client)
//! runs, without a socket.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use progenitor_client::ResponseValue;
use reqwest::header::HeaderValue;

use crate::api::types::PaymentInformation;
use crate::client::decode::Exchange;
use crate::client::redact::Secrets;
use crate::error::Error;
use crate::model::credentials::PersonalAccessToken;
use crate::model::query::PaymentQuery;
use crate::platform::attempt::Transport;

/// What the client makes of an answer to `query` with this status and body.
///
/// # Errors
///
/// Those of [`Client::get_payments`](crate::Client::get_payments).
pub async fn read(
    query: &PaymentQuery,
    access: &PersonalAccessToken,
    status: u16,
    headers: HeaderMap,
    body: &[u8],
) -> Result<PaymentInformation, Error> {
    let body = Bytes::copy_from_slice(body);
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let mut response = Response::new(body.clone());
    *response.status_mut() = status;
    let decoded = match status {
        StatusCode::OK => ResponseValue::from_response(response.into()).await,
        _ => Err(progenitor_client::Error::UnexpectedResponse(response.into())),
    };
    let credential = Arc::new((http::header::AUTHORIZATION, HeaderValue::from_static("")));
    let transport = Transport::new(credential, Duration::from_secs(1));
    transport.note(Ok(Exchange { status, headers, body: Ok(body) }));
    let secrets = Secrets { access, payment: query.payment_token() };
    crate::client::decode::read(decoded, transport, query, &secrets)
}

/// What the client makes of a `Retry-After`.
pub fn retry_after(text: &str) -> Option<Duration> {
    crate::client::decode::parse_retry_after(text, SystemTime::now())
}
