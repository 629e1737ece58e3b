//! A program whose own reqwest has its default TLS. One test, because a provider
//! is installed for a whole process.

use figma_payments::{Client, PersonalAccessToken};
use figma_payments_beside as beside;

#[tokio::test]
async fn a_reqwest_with_its_default_tls_works_before_and_after() {
    beside::works_before_and_after().await;
    let figma = Client::builder(PersonalAccessToken::new("figd_beside").unwrap());
    figma.http(reqwest::Client::builder()).build().unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
