//! The gate around a service of tower's, without a server.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::connect_info::MockConnectInfo;
use figma_payments::sandbox::{Gate, Sandbox, ScriptedServer};
use figma_payments::{Client, Entitlements, PaymentInformation, PaymentStatus, Source, UserId};
use figma_payments_gate::{Paying, PaymentGate, PeerAddress};
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt};

use crate::support::{entitlements, figma, gate, plugin};

/// The gate around a route that counts its calls, and answers with who paid and the body of
/// the request.
fn route(
    gate: PaymentGate,
    calls: Arc<AtomicUsize>,
) -> impl Service<
    Request<String>,
    Response = Response<impl http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug>>,
    Error = Infallible,
> + Clone {
    gate.layer(tower::service_fn(move |request: Request<String>| {
        calls.fetch_add(1, Ordering::Relaxed);
        let Paying(user) = request.extensions().get::<Paying>().expect("a gate before it");
        let said = format!("{} {}: {}", user.payment.user_id, user.source, request.body());
        async { Ok::<_, Infallible>(Response::new(said)) }
    }))
}

fn request(token: &str) -> Request<String> {
    Request::post("/export")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .extension(PeerAddress([127, 0, 0, 1].into()))
        .body("the body".to_owned())
        .unwrap()
}

/// What somebody might put into a request before the gate.
async fn forged(figma: &Sandbox) -> Paying {
    let entitlements = entitlements(figma);
    let user = UserId::from(666);
    entitlements.prime(PaymentInformation::new(&user, &plugin(), PaymentStatus::Paid)).await;
    let query = figma_payments::PaymentQuery::by_user(user, plugin());
    Paying(entitlements.get_cached(query).await.unwrap())
}

#[tokio::test]
async fn what_was_in_the_request_before_is_not_believed() {
    let figma = figma().await;
    let forged = forged(&figma).await;
    let calls = Arc::<AtomicUsize>::default();
    let route = route(gate(&figma), Arc::clone(&calls));
    for (token, status) in [("ppt_MARKED_unpaid", 402), ("ppt_MARKED_forged", 401), ("", 401)] {
        let mut request = request(token);
        request.extensions_mut().insert(forged.clone());
        assert_eq!(route.clone().oneshot(request).await.unwrap().status().as_u16(), status);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    for source in [Source::Fresh, Source::Cached] {
        let mut request = request("ppt_MARKED_paid");
        request.extensions_mut().insert(forged.clone());
        let response = route.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("1 {source}: the body"));
    }
}

/// axum's way to give an address in a test.
#[tokio::test]
async fn a_mocked_address_is_an_address() {
    let figma = figma().await;
    let route = route(gate(&figma), Arc::default());
    let mut request = request("ppt_MARKED_paid");
    request.extensions_mut().remove::<PeerAddress>();
    let address = std::net::SocketAddr::from(([192, 0, 2, 1], 1));
    request.extensions_mut().insert(MockConnectInfo(address));
    assert_eq!(route.oneshot(request).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_not_called() {
    let figma = figma().await;
    // Ready for one request at a time.
    let limited = tower::limit::ConcurrencyLimit::new(
        tower::service_fn(async |_: Request<String>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        }),
        1,
    );
    let mut gated = gate(&figma).layer(limited);
    for token in ["ppt_MARKED_paid", "ppt_MARKED_paid", "ppt_MARKED_unpaid", "ppt_MARKED_trial"] {
        let ready = gated.ready().await.unwrap();
        ready.call(request(token)).await.unwrap();
    }
}

/// The route takes two requests at a time. Those that wait for Figma's answer are none of
/// them.
#[tokio::test]
async fn who_waits_for_figma_keeps_nobody_out_of_the_route() {
    let figma = figma().await;
    let opened = Gate::new();
    let (answers, held) = (figma.figma().clone(), opened.clone());
    let server = ScriptedServer::start(move |request| {
        let reply = answers.answer(request);
        match request.target.contains("MARKED_paid") {
            true => reply,
            false => reply.behind(&held),
        }
    });
    let server = server.await.unwrap();
    let client = Client::builder(figma.access_token()).base_url(server.base_url());
    let limited = tower::limit::ConcurrencyLimit::new(
        tower::service_fn(async |_: Request<String>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        }),
        2,
    );
    let entitlements = Entitlements::new(client.build().unwrap());
    let gated = PaymentGate::new(entitlements, plugin()).layer(limited);
    let ask = |token| gated.clone().oneshot(request(token));
    assert_eq!(ask("ppt_MARKED_paid").await.unwrap().status(), 200);
    let waiting: Vec<_> = (0..6).map(|_| tokio::spawn(ask("ppt_MARKED_forged"))).collect();
    server.arrived(2).await;
    assert_eq!(ask("ppt_MARKED_paid").await.unwrap().status(), 200);
    opened.open();
    for refused in waiting {
        assert_eq!(refused.await.unwrap().unwrap().status(), 401);
    }
}

/// Nobody sees tokens or users by printing a gate.
#[tokio::test]
async fn debug_shows_the_settings_alone() {
    let figma = figma().await;
    let gate = gate(&figma).calls_per_caller(7, 8).max_questions(9);
    let shown = format!("{gate:?}");
    for setting in ["calls_per_minute: 7", "burst: 8", "max_questions: 9", "1678669904810665842"] {
        assert!(shown.contains(setting), "{shown}");
    }
    assert!(!shown.contains("figd_"), "{shown}");
    let gated = format!("{:?}", gate.layer(()));
    assert_eq!(gated, "Gated { inner: (), .. }");
}
