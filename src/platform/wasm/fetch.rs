//! Calls the host's `fetch`: without the host's cache, without following redirects, with
//! a limit for the body, and aborted when the caller no longer waits.

use bytes::{Bytes, BytesMut};
use js_sys::{Array, Promise, Reflect, Uint8Array};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, AbortSignal, Headers, ReadableStreamDefaultReader, Request, RequestCache,
    RequestInit, RequestRedirect, Response, ResponseType, WorkerGlobalScope,
};

use super::clock::{Instant, timeout_at};
use super::error::HttpError;
use crate::platform::exchange::{BodyError, Exchange, MAX_BODY_BYTES};

/// Aborts the request when it is dropped.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) async fn fetch(
    request: &reqwest::Request,
    deadline: Instant,
) -> Result<Exchange, HttpError> {
    let unsendable = |_: JsValue| HttpError::Unsendable;
    let abort = AbortOnDrop(AbortController::new().map_err(unsendable)?);
    let request = host_request(request, &abort.0.signal()).map_err(unsendable)?;
    // Not every host has this type, but every host has a global `fetch`.
    let host: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response: Response =
        before_deadline(host.fetch_with_request(&request), deadline).await?.unchecked_into();
    let status = match response.type_() {
        ResponseType::Opaqueredirect => StatusCode::FOUND, // browsers do not say which 3xx it was
        _ => StatusCode::from_u16(response.status())
            .map_err(|error| HttpError::Broken(error.into()))?,
    };
    let headers = headers(&response);
    Ok(Exchange { status, headers, body: read(&response, deadline).await })
}

/// The request as a JavaScript object.
fn host_request(request: &reqwest::Request, signal: &AbortSignal) -> Result<Request, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in request.headers() {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    let build = || Request::new_with_str_and_init(request.url().as_str(), &init);
    init.set_cache(RequestCache::NoStore);
    build().or_else(|_| {
        // Cloudflare Workers before November 2024 refuse this field.
        Reflect::delete_property(&init, &"cache".into())?;
        build()
    })
}

async fn before_deadline(promise: Promise, deadline: Instant) -> Result<JsValue, HttpError> {
    match timeout_at(deadline, JsFuture::from(promise)).await {
        Ok(outcome) => {
            outcome.map_err(|error| HttpError::Broken(message_without_url(&error).into()))
        }
        Err(_) => Err(HttpError::TimedOut),
    }
}

/// The message of the host's error, without the URL that some hosts put into it.
fn message_without_url(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|it| it.as_string());
    let message = message.unwrap_or_default();
    let words: Vec<&str> = message.split_whitespace().filter(|word| !word.contains('/')).collect();
    match words.is_empty() {
        true => "the connection failed".to_owned(),
        false => words.join(" "),
    }
}

/// The headers that a script may read. The host joins headers of the same name.
fn headers(response: &Response) -> HeaderMap {
    let header = |entry: JsValue| {
        let entry: Array = entry.unchecked_into();
        let name = HeaderName::try_from(entry.get(0).as_string()?).ok()?;
        Some((name, HeaderValue::try_from(entry.get(1).as_string()?).ok()?))
    };
    response.headers().entries().into_iter().flatten().filter_map(header).collect()
}

/// Reads the body, up to the limit.
async fn read(response: &Response, deadline: Instant) -> Result<Bytes, BodyError> {
    let Some(body) = response.body() else { return Ok(Bytes::new()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut all = BytesMut::new();
    loop {
        let chunk = before_deadline(reader.read(), deadline).await.map_err(BodyError::Broken)?;
        let of_chunk = |name: &str| Reflect::get(&chunk, &name.into()).unwrap_or_default();
        if of_chunk("done").is_truthy() {
            return Ok(all.freeze());
        }
        let bytes = Uint8Array::new(&of_chunk("value")).to_vec();
        if all.len() + bytes.len() > MAX_BODY_BYTES {
            return Err(BodyError::TooLarge);
        }
        all.extend_from_slice(&bytes);
    }
}
