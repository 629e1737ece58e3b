//! What the platform gives to the client: the platform sends one request, and the client
//! decodes the response.

use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::error::HttpError;
use crate::api::types::GetPaymentsResponseBody;

/// The longest response body that the client reads, in bytes. Responses of this
/// operation are much shorter. A longer one fails with
/// [`BodyTooLarge`](crate::ErrorKind::BodyTooLarge).
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The result of one attempt.
pub(crate) struct Attempted {
    /// How long it was allowed to take.
    pub(crate) timeout: Duration,
    /// The response, whatever its status; `None` if no request could be made.
    pub(crate) outcome: Option<Result<Exchange, HttpError>>,
    /// What the generated bindings decoded from the response.
    pub(crate) decoded: Result<GetPaymentsResponseBody, BindingsError>,
}

/// A response.
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, BodyError>,
}

/// Why a body could not be read completely.
pub(crate) enum BodyError {
    TooLarge,
    Broken(HttpError),
}

/// Why the generated bindings could not decode the response.
pub(crate) enum BindingsError {
    /// The body of a 200 is not the JSON that the document describes.
    Json(serde_json::Error),
    /// Any other reason; [`Attempted::outcome`] has it.
    Other,
}
