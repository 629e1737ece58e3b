//! What docs/production.md tells about rustls 0.23: who has two providers has to choose.
//! If this fails, rustls has learned to, and the lines of that page can go.

use figma_payments_beside as beside;
use rustls::crypto::aws_lc_rs;

fn a_configuration_without_a_provider() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore::empty();
    rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}

#[tokio::test]
async fn rustls_wants_one_of_two_providers_installed_and_this_crate_does_not() {
    beside::client().unwrap();
    assert!(std::panic::catch_unwind(a_configuration_without_a_provider).is_err());

    let provider = aws_lc_rs::default_provider();
    provider.install_default().expect("no other provider is installed");
    a_configuration_without_a_provider();
    beside::ask_with_figma_payments(&beside::server(), None).await;
}
