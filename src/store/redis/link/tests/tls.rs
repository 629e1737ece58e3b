//! `rediss://` with a certificate of the test's own.

use std::fs;

use super::*;

#[tokio::test]
async fn a_server_with_tls_has_to_be_trusted() {
    if !is_installed() {
        return;
    }
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("figma-payments-link-tls-{}", free_port()));
    fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    let _server = Server::start(&[
        &format!("tls-port {port}"),
        &format!("tls-cert-file {}", certificate.display()),
        &format!("tls-key-file {}", key.display()),
        &format!("tls-ca-cert-file {}", certificate.display()),
        "tls-auth-clients no",
    ]);
    fs::remove_dir_all(folder).unwrap();
    let with = |url: &str, pem: Option<&str>| LinkSettings {
        root_certificates: pem.map(str::to_owned),
        ..settings(&url.replace("PORT", &port.to_string()))
    };
    let pem = made.cert.pem();
    let link = Link::start(with("rediss://localhost:PORT", Some(&pem)), []).await.unwrap();
    assert_eq!(ask(&link, "ECHO").await, "hello");

    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    for (url, pem) in [("rediss://localhost:PORT", &other), ("rediss://127.0.0.1:PORT", &pem)] {
        let link = Link::start(with(url, Some(pem)), []).await.unwrap();
        assert!(link.session().is_none());
        let reason = link.last_failure().unwrap();
        assert!(reason.contains("invalid peer certificate"), "{reason}");
    }
    let error =
        Link::start(with("rediss://localhost:PORT", Some("no PEM")), []).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("-----BEGIN CERTIFICATE-----"));
}
