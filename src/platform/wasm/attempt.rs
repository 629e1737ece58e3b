//! One attempt on the wire, with the names of `src/transport.rs`. The generated
//! client makes the request and the types; the host sends and receives, because
//! nobody but reqwest can make the answers that the generated client reads.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo, ResponseValue};
use reqwest::header::{HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Request, StatusCode};
use send_wrapper::SendWrapper;

use super::clock::Instant;
use super::fetch::fetch;
pub(crate) use super::http::Http;
use crate::api;
use crate::api::types::GetPaymentsResponseBody;
use crate::client::decode::Exchange;

type Credential = Arc<(HeaderName, HeaderValue)>;
type Outcome = Result<Exchange, Fault>;

/// What the generated client carries for one attempt.
#[derive(Clone)]
pub(crate) struct Transport {
    credential: Credential,
    pub(crate) timeout: Duration,
    request: Arc<Mutex<Option<Request>>>,
    outcome: Arc<Mutex<Option<Outcome>>>,
}

impl Transport {
    pub(crate) fn new(credential: Credential, timeout: Duration) -> Self {
        Transport { credential, timeout, request: Arc::default(), outcome: Arc::default() }
    }

    /// What came of it, if a request was made.
    pub(crate) fn into_outcome(self) -> Option<Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport(…)")
    }
}

impl ClientHooks<Transport> for api::Client {
    /// Takes the request, and ends the call before reqwest sends it.
    async fn pre<E>(
        &self,
        request: &mut Request,
        _: &OperationInfo,
    ) -> Result<(), progenitor_client::Error<E>> {
        let taken = &self.inner().request;
        *taken.lock().unwrap_or_else(PoisonError::into_inner) = request.try_clone();
        Err(progenitor_client::Error::Custom("the host sends it".to_owned()))
    }
}

/// The generated client, with the host between its request and its answer.
pub(crate) struct Bindings {
    generated: api::Client,
    user_agent: HeaderValue,
}

impl Bindings {
    pub(crate) fn new_with_client(base_url: &str, http: Http, transport: Transport) -> Self {
        let generated = api::Client::new_with_client(base_url, reqwest::Client::new(), transport);
        Bindings { generated, user_agent: http.user_agent }
    }

    pub(crate) async fn get_payments(
        &self,
        community_file_id: Option<&str>,
        plugin_id: Option<&str>,
        plugin_payment_token: Option<&str>,
        user_id: Option<&str>,
        widget_id: Option<&str>,
    ) -> Result<ResponseValue<GetPaymentsResponseBody>, Failure> {
        let asked = self.generated.get_payments(
            community_file_id,
            plugin_id,
            plugin_payment_token,
            user_id,
            widget_id,
        );
        // What belongs to the host stays on its one thread.
        SendWrapper::new(async {
            let _ = asked.await;
            self.exchange().await
        })
        .await
    }

    /// Sends what the generated client has made.
    async fn exchange(&self) -> Result<ResponseValue<GetPaymentsResponseBody>, Failure> {
        let transport = self.generated.inner();
        let request = transport.request.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut request = request.ok_or(Failure::NoAnswer)?;
        let (name, value) = &*transport.credential;
        let headers = request.headers_mut();
        headers.insert(name.clone(), value.clone());
        headers.insert(USER_AGENT, self.user_agent.clone());

        let deadline = Instant::now() + transport.timeout;
        let outcome = fetch(&request, deadline).await;
        let decoded = outcome.as_ref().map_or(Err(Failure::NoAnswer), decode);
        *transport.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        decoded
    }
}

/// As the generated client does.
fn decode(exchange: &Exchange) -> Result<ResponseValue<GetPaymentsResponseBody>, Failure> {
    match (exchange.status, &exchange.body) {
        (StatusCode::OK, Ok(body)) => serde_json::from_slice(body)
            .map(|read| ResponseValue::new(read, exchange.status, exchange.headers.clone()))
            .map_err(|error| Failure::InvalidResponsePayload(body.clone(), error)),
        _ => Err(Failure::NoAnswer),
    }
}

/// Why an attempt gave no answer of the generated type; what else is to be known
/// is in its outcome.
#[allow(dead_code, reason = "the fields are those of progenitor's error")]
pub(crate) enum Failure {
    InvalidResponsePayload(Bytes, serde_json::Error),
    NoAnswer,
}

/// Why nothing arrived, or not all of it, as `src/http.rs` has it.
pub(crate) enum Fault {
    Unsendable,
    TimedOut,
    Broken(Box<dyn Error + Send + Sync>),
}

impl Fault {
    /// No request could be made.
    pub(crate) fn is_builder(&self) -> bool {
        matches!(self, Fault::Unsendable)
    }

    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Fault::TimedOut)
    }

    /// Hosts do not tell.
    pub(crate) fn is_connect(&self) -> bool {
        false
    }

    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Fault::Broken(cause) => Some(&**cause),
            Fault::Unsendable | Fault::TimedOut => None,
        }
    }
}
