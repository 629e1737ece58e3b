//! A program that installs aws-lc for the whole process, as rustls asks of a
//! program with two providers, and whose reqwest has no other.

use figma_payments_beside as beside;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// Before the program's `main` has come to it, and after: one test, because a
/// process has one provider.
#[tokio::test]
async fn the_program_installs_its_provider_whenever_it_likes() {
    beside::client().unwrap();
    let url = beside::server();
    beside::ask_with_figma_payments(&url, None).await;

    aws_lc_rs::default_provider().install_default().expect("nobody else has installed one");
    beside::works_before_and_after().await;
    let installed = CryptoProvider::get_default().unwrap();
    assert_eq!(
        format!("{:?}", installed.secure_random),
        format!("{:?}", aws_lc_rs::default_provider().secure_random)
    );
    let roots = rustls::RootCertStore::empty();
    let _ = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
}
