//! The host's `fetch`: nothing is answered from a cache or kept in one, redirects
//! stay where they are, bodies have a bound, and what is no longer waited for is
//! aborted.

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

/// Aborts what is under way when nobody waits for it any more.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) async fn fetch(
    request: &reqwest::Request,
    deadline: Instant,
) -> Result<Exchange, HttpError> {
    let unsendable = |_: JsValue| HttpError::Unsendable;
    let abort = Abort(AbortController::new().map_err(unsendable)?);
    let request = sendable(request, &abort.0.signal()).map_err(unsendable)?;
    // Not of this type everywhere, but every host has a `fetch` in this place.
    let host: WorkerGlobalScope = js_sys::global().unchecked_into();
    let answer: Response =
        arrived(host.fetch_with_request(&request), deadline).await?.unchecked_into();
    let status = match answer.type_() {
        ResponseType::Opaqueredirect => StatusCode::FOUND, // browsers do not say which
        _ => StatusCode::from_u16(answer.status())
            .map_err(|error| HttpError::Broken(error.into()))?,
    };
    let headers = headers(&answer);
    Ok(Exchange { status, headers, body: read(&answer, deadline).await })
}

/// The request as the host takes it.
fn sendable(request: &reqwest::Request, signal: &AbortSignal) -> Result<Request, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in request.headers() {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    let made = || Request::new_with_str_and_init(request.url().as_str(), &init);
    init.set_cache(RequestCache::NoStore);
    made().or_else(|_| {
        // Workers before November 2024 throw if the field is there.
        Reflect::delete_property(&init, &"cache".into())?;
        made()
    })
}

async fn arrived(promise: Promise, deadline: Instant) -> Result<JsValue, HttpError> {
    match timeout_at(deadline, JsFuture::from(promise)).await {
        Ok(outcome) => outcome.map_err(|error| HttpError::Broken(said_without_url(&error).into())),
        Err(_) => Err(HttpError::TimedOut),
    }
}

/// What the host says of a failure; some hosts name the URL.
fn said_without_url(error: &JsValue) -> String {
    let said = Reflect::get(error, &"message".into()).ok().and_then(|said| said.as_string());
    let said = said.unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().filter(|word| !word.contains('/')).collect();
    match words.is_empty() {
        true => "the connection failed".to_owned(),
        false => words.join(" "),
    }
}

/// Those that can be read; the host joins those of the same name.
fn headers(answer: &Response) -> HeaderMap {
    let header = |entry: JsValue| {
        let entry: Array = entry.unchecked_into();
        let name = HeaderName::try_from(entry.get(0).as_string()?).ok()?;
        Some((name, HeaderValue::try_from(entry.get(1).as_string()?).ok()?))
    };
    answer.headers().entries().into_iter().flatten().filter_map(header).collect()
}

/// Reads to the end or to the limit.
async fn read(answer: &Response, deadline: Instant) -> Result<Bytes, BodyError> {
    let Some(body) = answer.body() else { return Ok(Bytes::new()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut all = BytesMut::new();
    loop {
        let chunk = arrived(reader.read(), deadline).await.map_err(BodyError::Broken)?;
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
