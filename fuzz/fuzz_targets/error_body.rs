//! No error answer panics the reader, becomes a success, grows without bound or
//! shows a secret or eight characters of one. The first two bytes choose the status.
#![no_main]

use std::sync::LazyLock;

use figma_payments::{PaymentQuery, PersonalAccessToken, PluginPaymentToken, Resource, fuzzing};
use libfuzzer_sys::fuzz_target;

const ACCESS_TOKEN: &str = "figd_sxyz";
const PAYMENT_TOKEN: &str = "ppt_s&txyz";

static ASKED: LazyLock<(PaymentQuery, PersonalAccessToken)> = LazyLock::new(|| {
    let token = PluginPaymentToken::new(PAYMENT_TOKEN).unwrap();
    let query = PaymentQuery::by_token(token, Resource::plugin("1122334455").unwrap());
    (query, PersonalAccessToken::new(ACCESS_TOKEN).unwrap())
});

fuzz_target!(|input: &[u8]| {
    let Some(([high, low], body)) = input.split_first_chunk() else { return };
    let status = 201 + u16::from_be_bytes([*high, *low]) % 799;
    let (query, access) = &*ASKED;
    let answer = fuzzing::read(query, access, status, http::HeaderMap::new(), body);
    let error = answer.expect_err("no success but 200");
    assert_eq!(error.status(), Some(status));
    assert!(error.api_message().is_none_or(|said| said.chars().count() <= 1025));
    let printed = format!("{error} {error:?}").to_lowercase();
    for secret in [ACCESS_TOKEN, PAYMENT_TOKEN, "ppt_s%26txyz"] {
        for at in 0..=secret.len() - 8 {
            assert!(!printed.contains(&secret[at..at + 8]), "{printed}");
        }
    }
});
