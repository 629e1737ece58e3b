//! A program that hands in a reqwest without TLS.
#![cfg(not(any(feature = "default-tls", feature = "installed-provider")))]

use figma_payments::{Client, ErrorKind, PersonalAccessToken};

#[test]
fn a_reqwest_without_tls_is_refused_where_it_is_needed() {
    let builder = Client::builder(PersonalAccessToken::new("figd_beside").unwrap());
    let error = builder.http(reqwest::Client::builder()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("reqwest was built without TLS"), "{error}");
}
