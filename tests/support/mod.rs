//! What the tests share: secrets that can be found again, and answers.
#![allow(dead_code, reason = "not every test needs every helper")]

pub mod capture;
pub mod wire;

use figma_payments::sandbox::{Reply, ScriptedServer};
use figma_payments::{
    Client, ClientBuilder, PaymentQuery, PersonalAccessToken, PluginPaymentToken, Resource, UserId,
};
use serde_json::{Value, json};

pub const ACCESS_TOKEN: &str = "figd_MARKED-access-secret";
pub const PAYMENT_TOKEN: &str = "ppt_MARKED payment&secret/é";

/// Whether one of the two shows: both have this mark in them, in every encoding.
pub fn shows_secret(text: &str) -> bool {
    text.to_ascii_lowercase().contains("marked")
}

/// A real plugin id, which a float would change.
pub const LARGE_ID: &str = "1678669904810665842";

pub fn access_token() -> PersonalAccessToken {
    PersonalAccessToken::new(ACCESS_TOKEN).unwrap()
}

pub fn builder(server: &ScriptedServer) -> ClientBuilder {
    Client::builder(access_token()).base_url(server.base_url())
}

pub fn client(server: &ScriptedServer) -> Client {
    builder(server).build().unwrap()
}

/// What a user would hand in. The benches turn on reqwest's `rustls-no-provider` for
/// a test of the whole workspace, and that asks for a provider.
pub fn own_http() -> reqwest::ClientBuilder {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

pub fn user() -> UserId {
    UserId::try_from("500123").unwrap()
}

pub fn plugin() -> Resource {
    Resource::plugin(LARGE_ID).unwrap()
}

pub fn payment_token() -> PluginPaymentToken {
    PluginPaymentToken::new(PAYMENT_TOKEN).unwrap()
}

pub fn by_user() -> PaymentQuery {
    PaymentQuery::by_user(user(), plugin())
}

pub fn by_token() -> PaymentQuery {
    PaymentQuery::by_token(payment_token(), plugin())
}

/// The body that answers [`by_user`] and [`by_token`] with PAID.
pub fn paid() -> Value {
    json!({
        "status": 200,
        "error": false,
        "meta": {
            "user_id": "500123",
            "resource_id": LARGE_ID,
            "resource_type": "PLUGIN",
            "payment_status": "PAID",
            "date_of_purchase": "2024-06-15T14:30:00Z",
        },
    })
}

/// [`paid`] with another value at this place; `null` removes it.
pub fn paid_but(pointer: &str, value: Value) -> Value {
    let mut body = paid();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
    parent.insert(key.to_owned(), value);
    body
}

pub fn paid_without(pointer: &str) -> Value {
    let mut body = paid();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
    parent.remove(key).unwrap();
    body
}

/// A server that gives everybody the same JSON.
pub async fn answering(status: u16, body: impl ToString) -> ScriptedServer {
    let body = body.to_string();
    let server = ScriptedServer::start(move |_| Reply::json(status, body.clone())).await;
    server.unwrap()
}
