//! No success, however odd, panics the decoder, and none gives access but one
//! that says PAID or TRIAL about what was asked.
#![no_main]

use std::sync::LazyLock;

use figma_payments::{PaymentQuery, PersonalAccessToken, Resource, UserId, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;

static ASKED: LazyLock<(PaymentQuery, PersonalAccessToken)> = LazyLock::new(|| {
    let plugin = Resource::plugin("1122334455").unwrap();
    let query = PaymentQuery::by_user(UserId::from(500123), plugin);
    (query, PersonalAccessToken::new("figd_fuzz").unwrap())
});

fuzz_target!(|body: &[u8]| {
    let (query, access) = &*ASKED;
    let answer = fuzzing::read(query, access, 200, http::HeaderMap::new(), body);
    let Ok(payment) = pollster::block_on(answer) else { return };
    if payment.grants_access() {
        let body: Body = serde_json::from_slice(body).expect("what was decoded is JSON");
        assert!(!body.error);
        assert_eq!(body.meta.user_id, "500123");
        assert_eq!(body.meta.resource_id, "1122334455");
        assert_eq!(body.meta.resource_type, "PLUGIN");
        let status = &body.meta.payment_status;
        let said = [status, &status["type"], &status["status"]];
        assert!(said.iter().any(|said| **said == "PAID" || **said == "TRIAL"), "{status}");
    }
});

/// What has to stand in it, read without the client's types.
#[derive(Deserialize)]
struct Body {
    error: bool,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    user_id: String,
    resource_id: String,
    resource_type: String,
    payment_status: Value,
}
