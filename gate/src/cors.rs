//! CORS for the page of a plugin.

use std::time::Duration;

use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use tower_http::cors::{Any, CorsLayer};

/// Lets a plugin's page call your backend, and read its answers.
///
/// Put it *outside* of the gate, around all routes: with axum `.route_layer(gate)` first and
/// `.layer(cors())` after it. A browser asks for permission by a request that carries no
/// payment token (a preflight), so the gate would refuse it. And refusals need these headers
/// too: without them the page sees a network error, and not a 402.
///
/// The page runs in a sandboxed iframe, so its origin is `null`. This layer allows `*`, as
/// Figma's documentation of network requests says to. To allow only `null` would not be
/// safer: any page can put itself into such an iframe. And a foreign page gains nothing: it
/// has no payment token, and with `*` the browser sends no cookies.
///
/// Allowed are GET, HEAD, POST, PUT, PATCH and DELETE with the headers `Authorization` and
/// `Content-Type`; the page can read `Retry-After`; a browser may remember the permission
/// for an hour. It is an ordinary [`CorsLayer`] that you can change. For a token in another
/// header call `.allow_headers([…])` with that header and `Content-Type`: it replaces the
/// list.
///
/// Any web page can read what is inside of this layer and needs no token. Keep `/metrics`
/// and pages for yourself outside of it.
pub fn cors() -> CorsLayer {
    let methods =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(methods)
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([RETRY_AFTER])
        .max_age(Duration::from_secs(3600))
}
