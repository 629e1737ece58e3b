//! Sends one request. The generated bindings build it, and the host sends it. The
//! response is decoded here, because the generated code decodes only responses of
//! reqwest.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::header::{HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Request, StatusCode};
use send_wrapper::SendWrapper;

use super::clock::Instant;
use super::fetch::fetch;
use super::http::Http;
use crate::api;
use crate::api::types::GetPaymentsResponseBody;
use crate::model::query::QueryParameters;
use crate::platform::exchange::{Attempted, BindingsError, Exchange};

/// Sends one request.
pub(crate) async fn get_payments(
    http: &Http,
    base_url: &str,
    credential: Arc<(HeaderName, HeaderValue)>,
    timeout: Duration,
    parameters: QueryParameters<'_>,
) -> Attempted {
    let context = AttemptContext::default();
    let bindings = api::Client::new_with_client(base_url, reqwest::Client::new(), context);
    // JavaScript values are not `Send`. A wasm host has one thread, so they may be wrapped.
    SendWrapper::new(async {
        let QueryParameters {
            community_file_id,
            plugin_id,
            plugin_payment_token,
            user_id,
            widget_id,
        } = parameters;
        let _ = bindings
            .get_payments(community_file_id, plugin_id, plugin_payment_token, user_id, widget_id)
            .await;
        let Some(mut request) = bindings.inner().request() else {
            return Attempted { timeout, outcome: None, decoded: Err(BindingsError::Other) };
        };
        let (name, value) = &*credential;
        let headers = request.headers_mut();
        headers.insert(name.clone(), value.clone());
        headers.insert(USER_AGENT, http.user_agent.clone());
        // The generated bindings send the document's version, which Figma does not know.
        headers.remove("api-version");

        let outcome = fetch(&request, Instant::now() + timeout).await;
        let decoded = outcome.as_ref().map_or(Err(BindingsError::Other), decode);
        Attempted { timeout, outcome: Some(outcome), decoded }
    })
    .await
}

/// The data of one attempt, which the generated bindings pass to the hooks.
#[derive(Clone, Default)]
pub(crate) struct AttemptContext {
    request: Arc<Mutex<Option<Request>>>,
}

impl fmt::Debug for AttemptContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttemptContext(…)")
    }
}

impl AttemptContext {
    fn request(&self) -> Option<Request> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientHooks<AttemptContext> for api::Client {
    /// Keeps the request, and ends the call before reqwest sends it.
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

/// Decodes a success as the generated bindings do.
fn decode(exchange: &Exchange) -> Result<GetPaymentsResponseBody, BindingsError> {
    match (exchange.status, &exchange.body) {
        (StatusCode::OK, Ok(body)) => serde_json::from_slice(body).map_err(BindingsError::Json),
        _ => Err(BindingsError::Other),
    }
}
