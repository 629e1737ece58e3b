// The page begins with the README, whose code needs the feature `axum`.
#![cfg_attr(feature = "axum", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "axum"),
    doc = "Routes for users who have paid for your Figma plugin or widget."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
//!
//! # What goes in
//!
//! A request with the payment token that `figma.payments.getPluginPaymentTokenAsync()`
//! returned in the plugin, as `Authorization: Bearer …`, or
//! [where you say](PaymentGate::token_from). It is never read from the URL, because proxies
//! log URLs. The user and the resource that a token is for come from Figma, and never from
//! the request.
//!
//! # What comes out
//!
//! If Figma says PAID or TRIAL about this user and this resource, the request goes on to
//! your route with a [`Paying`] in its extensions, and the response is that of your route.
//! In all other cases your route is not called, and the response is
//! `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)):
//!
//! ```json
//! {
//!   "type": "urn:figma-payments:payment-required",
//!   "title": "The user has not paid",
//!   "status": 402,
//!   "detail": "After a purchase make a new payment token, and ask again."
//! }
//! ```
//!
//! | `type`: `urn:figma-payments:…` | Status | When | What the plugin does |
//! |---|---|---|---|
//! | `token-missing` | 401 | there is no payment token in the request | sends one |
//! | `token-refused` | 401 | Figma refused the payment token | makes a new one, and asks again, once |
//! | `payment-required` | 402 | the user has not paid | leads to the checkout, and then makes a new token |
//! | `wrong-resource` | 403 | the token is for another plugin or widget | nothing |
//! | `bad-request` | 400 | the token is malformed, or Figma refused the question | nothing |
//! | `too-many-requests` | 429 | this caller [caused too many calls](PaymentGate::calls_per_caller) | waits for as long as `Retry-After` says |
//! | `busy` | 503 | [too many questions](PaymentGate::max_questions) are under way | waits for as long as `Retry-After` says |
//! | `cannot-tell` | 503 | it could not be found out whether the user has paid | waits for as long as `Retry-After` says |
//! | `misconfigured` | 500 | a mistake in the backend; the log says which | nothing |
//!
//! Only a 402 is about money. All others say nothing about the user: who asks them to pay
//! then, asks buyers to pay twice.
//!
//! Plugins can rely on `type` and `status`; `title` and `detail` are for people. Every
//! refusal has `Cache-Control: no-store`, every 401 `WWW-Authenticate: Bearer`, and every
//! 429 and 503 `Retry-After` in whole seconds: at most 60, whatever Figma asks for.
//!
//! After a second 401 the plugin should say that it cannot check right now: Figma answers
//! 401 to an expired access token too, and then no payment token is good. For the same
//! reason a 401 is no alert. [`ErrorKind::Unauthorized`] says how to tell the two apart.
//!
//! The gate asks by [`Entitlements`]: an answer in memory costs no call to Figma, and is
//! given to anybody at any time. Let the plugin keep its token and send the same one.
//! In an outage of Figma
//! [`stale_if_error`](figma_payments::EntitlementsBuilder::stale_if_error) decides whether
//! known buyers keep access. The check is made once, when the request arrives: a response
//! that is streamed, or a WebSocket, goes on also if the subscription ends meanwhile. End
//! it yourself after a while.
//!
//! # The order of layers
//!
//! From the outside to the inside: your log and [`cors`], then what is cheap and refuses much
//! (a limit of sizes, for instance), then the gate, then the route. [`cors`] says why it has
//! to be outside. In axum the layer that is added last is the outermost. With
//! `.route_layer(gate)` the gate is before the routes that were added until then; those
//! that follow are free. A path that does not exist is 404 without a question. A wrong method
//! comes to the gate first; with `post(export).route_layer(gate)` it is 405 at once.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn app(gate: figma_payments_gate::PaymentGate) -> axum::Router {
//! use axum::Router;
//! use axum::routing::{get, post};
//! use figma_payments_gate::{Paying, cors};
//!
//! async fn export(Paying(user): Paying) -> String {
//!     format!("exported for {}", user.payment.user_id)
//! }
//!
//! Router::new()
//!     .route("/export", post(export))
//!     .route_layer(gate) // before /export
//!     .route("/health", get(async || "ok")) // for everybody
//!     .layer(cors()) // around everything
//! # }
//! ```
//!
//! # Without axum
//!
//! The same over plain hyper. The caller's address is an extension of the request, which
//! your server inserts. Besides the two packages it needs
//!
//! ```toml
//! http = "1"
//! hyper = { version = "1", features = ["http1", "server"] }
//! hyper-util = { version = "0.1", features = ["service", "tokio"] }
//! tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//! tower = { version = "0.5", features = ["util"] }
//! tower-http = { version = "0.6", features = ["add-extension"] }
//! ```
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use figma_payments_gate::{Paying, PaymentGate, PeerAddress, cors};
//! use http::{Request, Response};
//! use hyper::body::Incoming;
//! use hyper::server::conn::http1;
//! use hyper_util::rt::TokioIo;
//! use hyper_util::service::TowerToHyperService;
//! use tokio::net::TcpListener;
//! use tower::ServiceBuilder;
//! use tower_http::add_extension::AddExtensionLayer;
//!
//! async fn export(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
//!     let Paying(user) = request.extensions().get().expect("the gate is before this");
//!     Ok(Response::new(format!("exported for {}", user.payment.user_id)))
//! }
//!
//! async fn serve(gate: PaymentGate) -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     loop {
//!         let (stream, peer) = listener.accept().await?;
//!         let service = ServiceBuilder::new()
//!             .layer(AddExtensionLayer::new(PeerAddress(peer.ip())))
//!             .layer(cors())
//!             .layer(gate.clone())
//!             .service_fn(export);
//!         let service = TowerToHyperService::new(service);
//!         let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
//!         tokio::spawn(connection);
//!     }
//! }
//! ```
//!
//! # Forged tokens
//!
//! Anybody can send text that looks like a payment token, and Figma has to be asked about
//! each. A token that Figma refused is remembered for
//! [10 seconds](figma_payments::EntitlementsBuilder::refused_ttl), so that it costs one call,
//! and not one for each try. For different tokens there are two limits:
//!
//! - One caller may cause [30 calls a minute](PaymentGate::calls_per_caller).
//! - [64 questions](PaymentGate::max_questions) may be under way, 16 of them of one caller.
//!
//! A caller is the address at the other end of the connection, an IPv6 address by its network
//! of 64 bits. So a forger keeps out nobody else: buyers at other addresses have their own
//! share, and a buyer whose answer is in memory needs none, at the forger's address too.
//!
//! *Behind a proxy* all requests come from the proxy's address, so that all users together
//! have the share of one. [`PaymentGate::caller_from`] says which header to believe.
//!
//! Whoever has very many addresses can use up what Figma allows you in a minute. Set
//! [`RateLimits`](figma_payments::RateLimits) in the client; answers in memory are given
//! meanwhile, and all others get 503.
//!
//! # Several gates
//!
//! Clones of a gate share its limits. A gate for another plugin has limits of its own, so
//! one caller may use the share of each: divide it, if you have many. Gates one inside the
//! other ask one after the other, and [`Paying`] is that of the inner one. A gate around the
//! whole app is not enough for a route that needs another one: if you forget that, the route
//! gets the outer gate's [`Paying`], whose `payment.resource()` is another. Each process has
//! limits of its own too.
//!
//! # Testers
//!
//! Figma's documentation says that the owner of a resource always reads UNPAID.
//! [`PaymentGate::allow`] lets the owner through, and whoever tests your plugin.
//!
//! # In your tests
//!
//! The sandbox of `figma-payments` answers instead of Figma, or a closure does. A request
//! that you hand to your app without a server, as here, has no address. Give it one: with a
//! [`PeerAddress`], or with axum's `MockConnectInfo` as a layer.
//!
//! ```rust,test_harness
//! # #![cfg(feature = "axum")]
//! // Under [dev-dependencies]: figma-payments with the feature `sandbox`, http, tokio with
//! // `macros` and `rt`, tower with `util`.
//! use axum::Router;
//! use axum::body::Body;
//! use axum::routing::post;
//! use figma_payments::{Entitlements, PaymentInformation, PaymentStatus, Resource, UserId, sandbox};
//! use figma_payments_gate::{Paying, PaymentGate, PeerAddress};
//! use http::Request;
//! use tower::ServiceExt;
//!
//! fn app(gate: PaymentGate) -> Router {
//!     Router::new().route("/export", post(export)).route_layer(gate)
//! }
//!
//! async fn export(Paying(user): Paying) -> String {
//!     format!("exported for {}", user.payment.user_id)
//! }
//!
//! #[tokio::test]
//! async fn only_buyers_may_export() {
//!     let plugin = Resource::plugin("1122334455").unwrap();
//!     for (status, expected) in [(PaymentStatus::Paid, 200), (PaymentStatus::Unpaid, 402)] {
//!         let payment = PaymentInformation::new(&UserId::from(500123), &plugin, status);
//!         let client = sandbox::client(move |_| Ok(payment.clone()));
//!         let gate = PaymentGate::new(Entitlements::new(client), plugin.clone());
//!         let request = Request::post("/export")
//!             .header("authorization", "Bearer ppt_test")
//!             .extension(PeerAddress([127, 0, 0, 1].into()))
//!             .body(Body::empty())
//!             .unwrap();
//!         let response = app(gate).oneshot(request).await.unwrap();
//!         assert_eq!(response.status(), expected);
//!     }
//! }
//! ```
//!
//! # Log and metrics
//!
//! Each decision is an event of the crate `tracing`, with the target `figma_payments_gate`:
//! `granted` (with `source`) and `refused` (with `reason`, and `error.type` if there was an
//! error) at level `debug`; `refused: somebody has to act` at level `error`, with what is
//! wrong in `error`, for mistakes in the backend; `refused: somebody may have to act` at
//! level `warn`, with status and request id, for errors that do not go away by
//! waiting: [`Configuration`](figma_payments::ErrorKind::Configuration), [`BadRequest`](figma_payments::ErrorKind::BadRequest),
//! [`Forbidden`](figma_payments::ErrorKind::Forbidden), [`NotFound`](figma_payments::ErrorKind::NotFound),
//! [`Redirect`](figma_payments::ErrorKind::Redirect), [`BodyTooLarge`](figma_payments::ErrorKind::BodyTooLarge) and
//! [`InvalidResponse`](figma_payments::ErrorKind::InvalidResponse). No event has a token, a URL or a user in
//! it; only at level `trace` is there the message of Figma's error, which may name a user.
//!
//! With the feature `metrics` there are two counters, for the recorder that your program
//! installs. The feature of the same name of `figma-payments` has those of the client and the
//! cache.
//!
//! | Counter | Label | Values |
//! |---|---|---|
//! | `figma_payments_gate_granted_total` | `source` | `fresh`, `cached`, `stale` |
//! | `figma_payments_gate_refusals_total` | `reason` | the `type`, with underscores: `payment_required` |
//!
//! Install the recorder before the first gate is made: descriptions and zeros are given to
//! it then. Alert on `reason="misconfigured"`. A rise of `token_refused` and
//! `too_many_requests` together is somebody who tries out tokens.
//!
//! [`Entitlements`]: figma_payments::Entitlements
//! [`ErrorKind`]: figma_payments::ErrorKind
//! [`ErrorKind::Unauthorized`]: figma_payments::ErrorKind::Unauthorized

mod admission;
mod body;
mod call_limit;
mod caller;
mod check;
mod cors;
mod gate;
mod paying;
mod places;
mod refusal;
mod service;
mod telemetry;

pub use body::ResponseBody;
pub use caller::{Caller, PeerAddress};
pub use cors::cors;
pub use gate::PaymentGate;
pub use paying::Paying;
pub use service::{Gated, ResponseFuture};

/// The program in the README of the repository, which the library cannot test.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../../README.md")]
struct RepositoryReadme;
