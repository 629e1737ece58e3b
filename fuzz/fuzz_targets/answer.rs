//! No success, however odd, panics the decoder, and none gives access but one
//! that says PAID or TRIAL about what was asked.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use figma_payments::{PaymentQuery, PersonalAccessToken, Resource, UserId, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::value::RawValue;

static ASKED: LazyLock<(PaymentQuery, PersonalAccessToken)> = LazyLock::new(|| {
    let plugin = Resource::plugin("1122334455").unwrap();
    let query = PaymentQuery::by_user(UserId::from(500123), plugin);
    (query, PersonalAccessToken::new("figd_fuzz").unwrap())
});

fuzz_target!(|body: &[u8]| {
    let (query, access) = &*ASKED;
    let answer = fuzzing::read(query, access, 200, http::HeaderMap::new(), body);
    let Ok(payment) = answer else { return };
    if payment.grants_access() {
        // What is skipped need not be UTF-8; what counts was read as text.
        let text = String::from_utf8_lossy(body);
        let body: Object = serde_json::from_str(&text).expect("what was decoded is an object");
        let _: Object = serde_json::from_str(body["meta"].get()).expect("and so is its meta");
        let body: Body = serde_json::from_str(&text).expect("what was decoded is JSON");
        assert!(!body.error);
        assert_eq!(body.meta.user_id, "500123");
        assert_eq!(body.meta.resource_id, "1122334455");
        assert_eq!(body.meta.resource_type, "PLUGIN");
        let said = body.meta.statuses();
        assert!(!said.is_empty() && said.iter().all(|other| *other == said[0]), "{said:?}");
        assert!(matches!(said[0].as_str(), "PAID" | "TRIAL"), "{said:?}");
    }
});

type Object = BTreeMap<String, Box<RawValue>>;

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
    payment_status: Box<RawValue>,
}

impl Meta {
    fn statuses(&self) -> Vec<String> {
        let status = self.payment_status.get();
        if let Ok(text) = serde_json::from_str(status) {
            return vec![text];
        }
        let object: Object = serde_json::from_str(status).unwrap();
        let keys = ["type", "status"].into_iter().filter_map(|key| object.get(key));
        keys.filter_map(|said| serde_json::from_str(said.get()).ok()).collect()
    }
}
