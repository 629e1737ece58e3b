//! The routes, and what all of them have: CORS, no caching, a line in the log.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::routing::get;
use axum::{Json, Router};
use figma_payments::{PaymentStatus, RedisStore};
use figma_payments_gate::{Paying, PaymentGate, cors};
use serde_json::{Value, json};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};

pub fn router(gate: PaymentGate, store: Option<RedisStore>) -> Router {
    Router::new()
        .route("/palette", get(palette).route_layer(gate))
        .route("/ready", get(async move || ready(store.as_ref())))
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
}

/// The paid feature.
async fn palette(Paying(user): Paying) -> Json<Value> {
    tracing::trace!(user_id = user.payment.user_id, "draws a palette");
    let colors: Vec<_> = (0..5).map(|_| format!("#{:06x}", fastrand::u32(..0x100_0000))).collect();
    let trial = user.payment.payment_status == PaymentStatus::Trial;
    Json(json!({ "colors": colors, "trial": trial }))
}

/// For the load balancer: 200 as long as the program runs. Without Redis it serves all the
/// same; if that were a reason to take replicas out of service, an outage of Redis would take
/// them all.
fn ready(store: Option<&RedisStore>) -> Json<Value> {
    let redis = store.map(|store| {
        let health = store.health();
        json!({ "in_use": health.in_use, "outages": health.outages, "last_failure": health.last_failure })
    });
    Json(json!({ "redis": redis }))
}

/// The log has no headers, and only the path of the URL: somebody may put a secret into the
/// query.
fn span(request: &Request) -> Span {
    info_span!("request", method = %request.method(), path = request.uri().path())
}
