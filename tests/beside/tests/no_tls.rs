//! A program whose own reqwest has no TLS: it asks a neighbour by plain HTTP. A
//! test a file, because a provider is installed for a whole process.
#![cfg(not(any(feature = "default-tls", feature = "installed-provider")))]

use figma_payments_beside as beside;

#[tokio::test]
async fn a_reqwest_without_tls_works_before_and_after() {
    beside::works_before_and_after().await;
}
