//! What passes between the platform, which sends one request, and the client,
//! which judges what came of it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::error::HttpError;
use crate::api::types::GetPaymentsResponseBody;

/// The longest response body that is read, in bytes. No response of this
/// operation comes near it. A longer one fails with
/// [`BodyTooLarge`](crate::ErrorKind::BodyTooLarge).
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// What came of one attempt.
pub(crate) struct Attempted {
    /// How long it was allowed to take.
    pub(crate) timeout: Duration,
    /// The response, whatever its status; `None` if no request could be made.
    pub(crate) outcome: Option<Result<Exchange, HttpError>>,
    /// What the generated bindings read from it.
    pub(crate) decoded: Result<GetPaymentsResponseBody, BindingsError>,
}

/// A response.
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, BodyError>,
}

/// Why a body could not be read to its end.
pub(crate) enum BodyError {
    TooLarge,
    Broken(HttpError),
}

/// Why the generated bindings read nothing.
pub(crate) enum BindingsError {
    /// The body of a 200 is not the JSON that the document describes.
    Json(serde_json::Error),
    /// Any other reason. It is to be found in the outcome.
    Other,
}
