//! A program whose own reqwest has its default TLS. One test, because a provider
//! is installed for a whole process.

use std::io::Read;
use std::net::TcpListener;
use std::thread;

use figma_payments::{Client, PersonalAccessToken, RedisStore};
use figma_payments_beside as beside;

#[tokio::test]
async fn a_reqwest_with_its_default_tls_works_before_and_after() {
    beside::works_before_and_after().await;
    let figma = Client::builder(PersonalAccessToken::new("figd_beside").unwrap());
    figma.http(reqwest::Client::builder()).build().unwrap();
    speaks_tls_with_redis().await;
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

/// Nobody answers there, but the first words of TLS are said, for which a provider is needed.
async fn speaks_tls_with_redis() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rediss://{}", listener.local_addr().unwrap());
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        first[0]
    });
    let store = RedisStore::connect(url, "acme").await.unwrap();
    const HANDSHAKE: u8 = 22;
    assert_eq!(heard.join().unwrap(), HANDSHAKE);
    assert!(!store.health().in_use);
}
