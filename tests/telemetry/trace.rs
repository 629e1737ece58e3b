//! The spans and events, as OpenTelemetry exports them.

use std::collections::BTreeSet;

use figma_payments::sandbox::{Calls, Fault, Gate, Reply, Sandbox, ScriptedServer};
use figma_payments::{
    Client, Entitlements, PaymentQuery, PersonalAccessToken, PluginPaymentToken, Resource,
    RetryPolicy, UserId,
};
use futures_util::future::select;
use tracing_subscriber::filter::LevelFilter;

use crate::export::{shown, spans_of};

const USER: &str = "500123";

fn plugin() -> Resource {
    Resource::plugin("1122334455").unwrap()
}

fn by_user() -> PaymentQuery {
    PaymentQuery::by_user(USER.parse().unwrap(), plugin())
}

fn by_token(token: &str) -> PaymentQuery {
    PaymentQuery::by_token(PluginPaymentToken::new(token).unwrap(), plugin())
}

async fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
    let client = client.build().unwrap();
    (sandbox, client)
}

#[test]
fn a_call_with_two_attempts() {
    let spans = spans_of(LevelFilter::DEBUG, async {
        let (sandbox, client) = sandbox().await;
        sandbox.inject(Fault::Status(503), Calls::Next(1));
        client.get_payments(by_user()).await.unwrap();
    });
    let [call] = &spans[..] else { panic!("one span is expected: {spans:?}") };
    let expected = r#"
GET /v1/payments, Client, Unset
  target: "figma_payments::client"
  http.request.method: "GET"
  url.scheme: "http"
  url.template: "/v1/payments"
  server.address: "127.0.0.1"
  server.port: PORT
  http.request.resend_count: 1
  http.response.status_code: 200
- attempt failed
  level: "WARN"
  target: "figma_payments::client"
  http.response.status_code: 503
  error.type: "server"
  attempt: 1
- attempt succeeded
  level: "DEBUG"
  target: "figma_payments::client"
  http.response.status_code: 200
  attempt: 2
"#;
    assert_eq!(shown(call), expected.trim());
}

#[test]
fn a_call_that_ended_in_429_and_one_that_was_not_sent() {
    let spans = spans_of(LevelFilter::DEBUG, async {
        let (sandbox, client) = sandbox().await;
        sandbox.inject(Fault::Status(429), Calls::Next(1));
        client.get_payments(by_user()).await.unwrap_err();
        client.get_payments(by_user()).await.unwrap_err();
    });
    let [call, not_sent] = &spans[..] else { panic!("two spans are expected: {spans:?}") };
    let expected = r#"
GET /v1/payments, Client, Error { description: "" }
  target: "figma_payments::client"
  http.request.method: "GET"
  url.scheme: "http"
  url.template: "/v1/payments"
  server.address: "127.0.0.1"
  server.port: PORT
  http.response.status_code: 429
  error.type: "rate_limited"
- attempt failed
  level: "WARN"
  target: "figma_payments::client"
  http.response.status_code: 429
  error.type: "rate_limited"
  attempt: 1
  retry_after_seconds: 60
"#;
    assert_eq!(shown(call), expected.trim());
    let expected = r#"
GET /v1/payments, Client, Error { description: "" }
  target: "figma_payments::client"
  http.request.method: "GET"
  url.scheme: "http"
  url.template: "/v1/payments"
  server.address: "127.0.0.1"
  server.port: PORT
  error.type: "rate_limited"
"#;
    assert_eq!(shown(not_sent), expected.trim());
}

#[test]
fn a_call_that_was_cancelled_has_neither_status() {
    let spans = spans_of(LevelFilter::INFO, async {
        let held = |_: &_| Reply::json(200, "").behind(&Gate::new());
        let server = ScriptedServer::start(held).await.unwrap();
        let token = PersonalAccessToken::new("figd_x").unwrap();
        let client = Client::builder(token).base_url(server.base_url()).build().unwrap();
        let call = Box::pin(client.get_payments(by_user()));
        select(call, Box::pin(server.arrived(1))).await;
    });
    let [call] = &spans[..] else { panic!("one span is expected: {spans:?}") };
    let expected = r#"
GET /v1/payments, Client, Unset
  target: "figma_payments::client"
  http.request.method: "GET"
  url.scheme: "http"
  url.template: "/v1/payments"
  server.address: "127.0.0.1"
  server.port: PORT
"#;
    assert_eq!(shown(call), expected.trim());
}

/// Calls with every kind of secret, and with answers that name the user.
async fn calls_with_secrets() {
    let sandbox = Sandbox::start().await.unwrap();
    let access = || PersonalAccessToken::new("figd_MARKED-access").unwrap();
    let client = |access| Client::builder(access).base_url(sandbox.base_url());
    let client = |access| client(access).retry(RetryPolicy::none()).build().unwrap();
    // Refused, with the message that the document has for it.
    client(access()).get_payments(by_user()).await.unwrap_err();
    client(access()).get_payments(by_token("ppt_MARKED-payment")).await.unwrap_err();

    let known = client(sandbox.access_token());
    let token = PluginPaymentToken::new("ppt_MARKED-accepted").unwrap();
    let user = UserId::from(500123);
    sandbox.accept_token(token, &user, &plugin(), std::time::Duration::from_secs(60));
    known.get_payments(by_token("ppt_MARKED-accepted")).await.unwrap();
    known.get_payments(by_user()).await.unwrap();

    let echo =
        format!(r#"{{"message": "no user {USER} with ppt_MARKED-payment, figd_MARKED-access"}}"#);
    let server = ScriptedServer::start(move |_| Reply::json(404, echo.clone())).await.unwrap();
    let client = Client::builder(access()).base_url(server.base_url()).build().unwrap();
    client.get_payments(by_token("ppt_MARKED-payment")).await.unwrap_err();
}

#[test]
fn nothing_exported_has_a_token_and_a_user_id_is_at_level_trace_alone() {
    for level in [LevelFilter::DEBUG, LevelFilter::TRACE] {
        let spans = spans_of(level, calls_with_secrets());
        assert_eq!(spans.len(), 5);
        let exported = format!("{spans:?}").to_ascii_lowercase();
        assert!(!exported.contains("marked"), "{exported}");
        assert_eq!(exported.contains(USER), level == LevelFilter::TRACE, "{exported}");
    }
}

#[test]
fn every_span_event_and_field_is_in_the_documentation() {
    let documentation = include_str!("../../docs/monitoring.md");
    let spans = spans_of(LevelFilter::TRACE, async {
        let (sandbox, client) = sandbox().await;
        sandbox.inject(Fault::Status(503), Calls::Next(1));
        client.get_payments(by_user()).await.unwrap();
        sandbox.inject(Fault::Status(429), Calls::Next(1));
        let entitlements = Entitlements::new(client);
        entitlements.get(by_user()).await.unwrap_err();
    });
    let shown: Vec<String> = spans.iter().map(shown).collect();
    let mut names = BTreeSet::new();
    names.extend(shown.iter().map(|span| span.split(", ").next().unwrap()));
    for line in shown.iter().flat_map(|span| span.lines().skip(1)) {
        let attribute = line.trim().split(": ").next().unwrap();
        names.insert(line.strip_prefix("- ").unwrap_or(attribute));
    }
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        // The layer's own names for what the documentation calls Level and Target.
        let documented =
            matches!(name, "level" | "target") || documentation.contains(&format!("`{name}`"));
        assert!(documented, "`{name}` is not in docs/monitoring.md");
    }
}
