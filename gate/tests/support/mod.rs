//! What the tests share: a sandbox with users and tokens, and the same route behind a gate,
//! served by axum and by hyper alone.
#![allow(dead_code, reason = "not every test program needs every helper")]

pub mod server;
// The library's tests have these too.
#[path = "../../../tests/support/capture.rs"]
pub mod capture;
#[path = "../../../tests/support/wire.rs"]
pub mod wire;

use std::time::Duration;

use figma_payments::sandbox::{Purchase, Sandbox};
use figma_payments::{
    Client, ClientBuilder, Entitlements, PaymentStatus, PluginPaymentToken, Resource, RetryPolicy,
    UserId,
};
use figma_payments_gate::PaymentGate;

use self::wire::Answer;

pub const AN_HOUR: Duration = Duration::from_secs(3600);

const BOUGHT: &str = "2024-06-15T14:30:00Z";

/// The users of the sandbox.
pub const BUYER: u64 = 1;
pub const ON_TRIAL: u64 = 2;
pub const UNPAID: u64 = 3;
pub const TESTER: u64 = 4;
/// Figma says something new about this one.
pub const UNKNOWN: u64 = 5;

/// A real plugin id, which a float would change.
pub fn plugin() -> Resource {
    Resource::plugin("1678669904810665842").unwrap()
}

pub fn another_plugin() -> Resource {
    Resource::plugin("42").unwrap()
}

/// A sandbox with these users. All texts of tokens have MARKED in them, so that they can be
/// found again.
pub async fn figma() -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.set(Purchase::paid(&BUYER.into(), &plugin(), BOUGHT));
    sandbox.set(Purchase::trial(&ON_TRIAL.into(), &plugin(), BOUGHT));
    let status = PaymentStatus::Unknown("PAUSED".to_owned());
    sandbox.set_purchase(&UNKNOWN.into(), &plugin(), status, None);
    for (token, user) in [
        ("ppt_MARKED_paid", BUYER),
        ("ppt_MARKED_trial", ON_TRIAL),
        ("ppt_MARKED_unpaid", UNPAID),
        ("ppt_MARKED_tester", TESTER),
        ("ppt_MARKED_unknown", UNKNOWN),
    ] {
        accept(&sandbox, token, user, &plugin());
    }
    sandbox
}

/// Lets the sandbox know this token of a user.
pub fn accept(sandbox: &Sandbox, token: &str, user: u64, resource: &Resource) {
    let token = PluginPaymentToken::new(token).unwrap();
    sandbox.accept_token(token, &user.into(), resource, AN_HOUR);
}

/// A client that asks once, so that a fault costs one call.
pub fn client(sandbox: &Sandbox) -> ClientBuilder {
    let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
    client.retry(RetryPolicy::none())
}

pub fn entitlements(sandbox: &Sandbox) -> Entitlements {
    Entitlements::new(client(sandbox).build().unwrap())
}

/// A gate that asks the sandbox, and lets the tester through.
pub fn gate(sandbox: &Sandbox) -> PaymentGate {
    PaymentGate::new(entitlements(sandbox), plugin()).allow(UserId::from(TESTER))
}

/// Asserts that the answer is this refusal of the gate's, in all that it has to be.
#[track_caller]
pub fn assert_refused(answer: &Answer, status: u16, problem: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    assert!(answer.body.starts_with("{\"type\":\"urn:figma-payments:"), "{answer:?}");
    let body = answer.json();
    assert_eq!(body["type"], format!("urn:figma-payments:{problem}"), "{answer:?}");
    assert_eq!(body["status"], status, "{answer:?}");
    for text in ["title", "detail"] {
        assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{answer:?}");
    }
    assert_eq!(body.as_object().unwrap().len(), 4, "{answer:?}");
    let challenge = (status == 401).then_some("Bearer");
    assert_eq!(answer.header("www-authenticate"), challenge, "{answer:?}");
    let waits = matches!(status, 429 | 503);
    let wait = answer.header("retry-after").map(|wait| wait.parse::<u64>().unwrap());
    assert_eq!(wait.is_some(), waits, "{answer:?}");
    assert!(wait.is_none_or(|wait| (1..=60).contains(&wait)), "{answer:?}");
    assert!(!format!("{answer:?}").contains("MARKED"), "{answer:?}");
}
