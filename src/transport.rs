//! One attempt on the wire: credential in, a bounded body out.
//!
//! The generated client decodes what [`exec`](ClientHooks::exec) returns, but
//! its errors lose status and headers. So the attempt is also written down in
//! an [`Exchange`], and errors are made from that. `wasm/transport.rs` has the
//! same names.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Request, Response, ResponseBuilderExt};

use crate::answer::{BodyError, Exchange, MAX_BODY_BYTES};

pub(crate) use crate::api::Client as Bindings;
pub(crate) use progenitor_client::Error as Failure;
pub(crate) use reqwest::{Client as Http, Error as Fault};

type Credential = Arc<(HeaderName, HeaderValue)>;

/// What the generated client carries for one attempt.
#[derive(Clone)]
pub(crate) struct Transport {
    credential: Credential,
    pub(crate) timeout: Duration,
    /// What the HTTP client has anyway; another takes a map for each request.
    usual: Duration,
    exchange: Arc<Mutex<Option<Exchange>>>,
}

impl Transport {
    pub(crate) fn new(credential: Credential, timeout: Duration, usual: Duration) -> Self {
        Transport { credential, timeout, usual, exchange: Arc::default() }
    }

    pub(crate) fn note(&self, exchange: Exchange) {
        *self.exchange.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange);
    }

    /// What came back, if an answer began to arrive.
    pub(crate) fn into_exchange(self) -> Option<Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport(…)")
    }
}

impl ClientHooks<Transport> for Bindings {
    async fn exec(&self, mut request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let transport = self.inner();
        let (name, value) = &*transport.credential;
        request.headers_mut().insert(name.clone(), value.clone());
        if transport.timeout < transport.usual {
            *request.timeout_mut() = Some(transport.timeout);
        }

        let mut response = self.client().execute(request).await?;
        let status = response.status();
        let body = read(&mut response).await;
        let mut url = response.url().clone();
        url.set_query(None);
        let decodable = body.as_ref().cloned().unwrap_or_default();
        let headers = std::mem::take(response.headers_mut());
        transport.note(Exchange { status, headers, body });

        let bare = http::Response::builder().status(status).url(url).body(decodable);
        Ok(bare.unwrap_or_default().into())
    }
}

/// Reads to the end or to the limit. One chunk, the usual case, is not copied.
async fn read(response: &mut Response) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
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
