//! A program that only speaks plain HTTP, in a container without certificates.
#![cfg(not(any(feature = "default-tls", feature = "installed-provider")))]

use std::process::Command;

use figma_payments::ErrorKind;
use figma_payments_beside as beside;

/// Run by the next test in a process of its own; on its own it has nothing to do.
#[tokio::test]
async fn ask_without_certificates() {
    if std::env::var_os("WITHOUT_CERTIFICATES").is_none() {
        return;
    }
    let url = beside::server();
    beside::ask_with_reqwest(&url).await;
    assert_eq!(beside::client().unwrap_err().kind(), ErrorKind::Configuration);
    beside::ask_with_figma_payments(&url, None).await;
    beside::ask_with_reqwest(&url).await;
}

#[test]
fn a_reqwest_without_tls_works_where_no_certificates_are_installed() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "ask_without_certificates"]).env("WITHOUT_CERTIFICATES", "");
    let output = child.env("SSL_CERT_FILE", "/nonexistent").env_remove("SSL_CERT_DIR").output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}
