//! One attempt on the wire: credential in, a bounded body out.
//!
//! The generated client decodes what [`exec`](ClientHooks::exec) returns, but
//! its errors lose status and headers. So what came of the attempt is also
//! written down, and errors are made from that. `wasm/transport.rs` has the
//! same names.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Request, Response, ResponseBuilderExt, StatusCode};

use crate::api;
use crate::client::decode::{BodyError, Exchange, MAX_BODY_BYTES};
use crate::platform::clock::{Instant, timeout_at};

pub(crate) use super::http::{Fault, Http};
pub(crate) use progenitor_client::Error as Failure;

type Credential = Arc<(HeaderName, HeaderValue)>;
type Outcome = Result<Exchange, Fault>;

/// Makes the generated client of one attempt.
pub(crate) struct Bindings;

impl Bindings {
    pub(crate) fn new_with_client(
        base_url: &str,
        http: Http,
        mut transport: Transport,
    ) -> api::Client {
        let reqwest = http.reqwest.clone();
        transport.http = Some(http);
        api::Client::new_with_client(base_url, reqwest, transport)
    }
}

/// What the generated client carries for one attempt.
#[derive(Clone)]
pub(crate) struct Transport {
    credential: Credential,
    pub(crate) timeout: Duration,
    http: Option<Http>,
    outcome: Arc<Mutex<Option<Outcome>>>,
}

impl Transport {
    pub(crate) fn new(credential: Credential, timeout: Duration) -> Self {
        Transport { credential, timeout, http: None, outcome: Arc::default() }
    }

    pub(crate) fn note(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    /// What came of it, if a request was made.
    pub(crate) fn into_outcome(self) -> Option<Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends the request and reads the answer, as far as there is time.
    async fn attempt(&self, http: &Http, request: Request) -> Outcome {
        let deadline = Instant::now() + self.timeout;
        let sent = timeout_at(deadline, http.send(request)).await;
        let mut response = sent.unwrap_or(Err(Fault::TimedOut))?;
        let body = timeout_at(deadline, read(&mut response)).await;
        let body = body.unwrap_or(Err(BodyError::Broken(Fault::TimedOut)));
        let headers = std::mem::take(response.headers_mut());
        Ok(Exchange { status: response.status(), headers, body })
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport(…)")
    }
}

impl ClientHooks<Transport> for api::Client {
    async fn exec(&self, mut request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let transport = self.inner();
        let (name, value) = &*transport.credential;
        request.headers_mut().insert(name.clone(), value.clone());
        let mut url = request.url().clone();
        url.set_query(None);

        let mut bare = http::Response::builder().status(StatusCode::NO_CONTENT).url(url);
        let mut decodable = Bytes::new();
        if let Some(http) = &transport.http {
            let outcome = transport.attempt(http, request).await;
            if let Ok(exchange) = &outcome {
                bare = bare.status(exchange.status);
                decodable = exchange.body.as_ref().cloned().unwrap_or_default();
            }
            transport.note(outcome);
        }
        Ok(bare.body(decodable).unwrap_or_default().into())
    }
}

/// Reads to the end or to the limit. One chunk, the usual case, is not copied.
async fn read(response: &mut Response) -> Result<Bytes, BodyError> {
    let broken = |error| BodyError::Broken(Fault::Reqwest(error));
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
