//! No untyped input panics, and what becomes a question is one of the four valid
//! combinations.
#![no_main]

use figma_payments::{PaymentParams, PaymentQuery};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(params) = serde_json::from_slice::<PaymentParams>(input) else { return };
    let token = params.plugin_payment_token.is_some();
    let user = params.user_id.is_some();
    let resources = [&params.community_file_id, &params.plugin_id, &params.widget_id];
    let resources = resources.into_iter().flatten().count();
    let printed = format!("{params:?}");
    if let Some(secret) = params.plugin_payment_token.as_deref().filter(|token| token.len() > 40) {
        assert!(!printed.contains(secret));
    }
    match PaymentQuery::try_from(params) {
        Ok(_) => assert!(matches!((token, user, resources), (true, false, 0) | (false, true, 1))),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
