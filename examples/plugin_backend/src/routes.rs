//! The routes, and what all of them have: CORS, no caching, a line in the log.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use figma_payments::{Entitlements, PaymentStatus, Resource};
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};

use crate::caller_limit::CallerLimit;
use crate::paying_user::PayingUser;

/// What all requests share.
pub struct Backend {
    pub entitlements: Entitlements,
    pub plugin: Resource,
    pub limit: CallerLimit,
}

pub fn router(backend: Backend) -> Router {
    Router::new()
        .route("/palette", get(palette))
        .fallback(async || error(StatusCode::NOT_FOUND, "not_found"))
        .method_not_allowed_fallback(async || {
            error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
        })
        .layer(cors())
        .layer(SetResponseHeaderLayer::overriding(
            CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_response(DefaultOnResponse::new().level(Level::INFO))
                // Without a second line for a 503, which is a response like any other.
                .on_failure(()),
        )
        .with_state(Arc::new(backend))
}

/// The paid feature.
async fn palette(PayingUser(user): PayingUser) -> Json<Value> {
    tracing::debug!(source = %user.source, "access granted");
    tracing::trace!(user_id = user.payment.user_id, "draws a palette");
    let colors: Vec<_> = (0..5).map(|_| format!("#{:06x}", fastrand::u32(..0x100_0000))).collect();
    let trial = user.payment.payment_status == PaymentStatus::Trial;
    Json(json!({ "colors": colors, "trial": trial }))
}

fn error(status: StatusCode, word: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "error": word })))
}

/// Figma's documentation says to allow the origin `*`, because the plugin's page runs in a
/// sandboxed iframe, whose origin is `null`. To allow only `null` would not be safer: any
/// page can put itself into such an iframe. And a foreign page gains nothing: it has no
/// payment token, and the browser sends no cookies (`*` forbids credentials).
///
/// Refusals need these headers too: without them the page sees a network error, and not a
/// 402. So this layer is around all routes.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET])
        .allow_headers([AUTHORIZATION])
        .expose_headers([RETRY_AFTER])
        .max_age(Duration::from_secs(3600))
}

/// The log has no headers, and only the path of the URL: somebody may put a secret into the
/// query.
fn span(request: &Request) -> Span {
    info_span!("request", method = %request.method(), path = request.uri().path())
}
