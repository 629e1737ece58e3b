//! Sends one request, with the credential, and reads the response up to a limit.
//!
//! The generated bindings build the request and decode the response, but their errors
//! lose the status and the headers. So [`exec`](ClientHooks::exec) also keeps the raw
//! response, and the client makes its errors from that.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Request, Response, ResponseBuilderExt, StatusCode};

use super::clock::{Instant, timeout_at};
use super::error::HttpError;
use super::http::Http;
use crate::api;
use crate::model::query::QueryParameters;
use crate::platform::exchange::{Attempted, BindingsError, BodyError, Exchange, MAX_BODY_BYTES};

/// Sends one request.
pub(crate) async fn get_payments(
    http: &Http,
    base_url: &str,
    credential: Arc<(HeaderName, HeaderValue)>,
    timeout: Duration,
    parameters: QueryParameters<'_>,
) -> Attempted {
    let context =
        AttemptContext { http: http.clone(), credential, timeout, outcome: Arc::default() };
    let bindings = api::Client::new_with_client(base_url, http.reqwest.clone(), context);
    let QueryParameters { community_file_id, plugin_id, plugin_payment_token, user_id, widget_id } =
        parameters;
    let decoded = match bindings
        .get_payments(community_file_id, plugin_id, plugin_payment_token, user_id, widget_id)
        .await
    {
        Ok(response) => Ok(response.into_inner()),
        Err(progenitor_client::Error::InvalidResponsePayload(_, error)) => {
            Err(BindingsError::Json(error))
        }
        Err(_) => Err(BindingsError::Other),
    };
    let outcome = bindings.inner().outcome();
    Attempted { timeout, outcome, decoded }
}

/// The data of one attempt, which the generated bindings pass to the hooks.
#[derive(Clone)]
pub(crate) struct AttemptContext {
    http: Http,
    credential: Arc<(HeaderName, HeaderValue)>,
    timeout: Duration,
    outcome: Arc<Mutex<Option<Result<Exchange, HttpError>>>>,
}

impl fmt::Debug for AttemptContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttemptContext(…)")
    }
}

impl AttemptContext {
    /// Sends the request and reads the response, until the timeout.
    async fn send(&self, request: Request) -> Result<Exchange, HttpError> {
        let deadline = Instant::now() + self.timeout;
        let sent = timeout_at(deadline, self.http.send(request)).await;
        let mut response = sent.unwrap_or(Err(HttpError::TimedOut))?;
        let body = timeout_at(deadline, read(&mut response)).await;
        let body = body.unwrap_or(Err(BodyError::Broken(HttpError::TimedOut)));
        let headers = std::mem::take(response.headers_mut());
        Ok(Exchange { status: response.status(), headers, body })
    }

    fn outcome(&self) -> Option<Result<Exchange, HttpError>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientHooks<AttemptContext> for api::Client {
    async fn exec(&self, mut request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let context = self.inner();
        let (name, value) = &*context.credential;
        request.headers_mut().insert(name.clone(), value.clone());
        // The generated bindings send the document's version, which Figma does not know.
        request.headers_mut().remove("api-version");
        let mut url = request.url().clone();
        url.set_query(None);

        let outcome = context.send(request).await;
        let mut decodable = http::Response::builder().status(StatusCode::NO_CONTENT).url(url);
        let mut body = Bytes::new();
        if let Ok(exchange) = &outcome {
            decodable = decodable.status(exchange.status);
            body = exchange.body.as_ref().cloned().unwrap_or_default();
        }
        *context.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        Ok(decodable.body(body).unwrap_or_default().into())
    }
}

/// Reads the body, up to the limit. The usual body is one chunk, which is not copied.
async fn read(response: &mut Response) -> Result<Bytes, BodyError> {
    let broken = |error| BodyError::Broken(HttpError::Reqwest(error));
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if first.len() + all.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = chunk;
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&chunk);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}
