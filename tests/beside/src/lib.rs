//! What the programs have in common: the code that was there before they used
//! figma-payments, and their use of it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use figma_payments::{Client, PaymentQuery, PersonalAccessToken, Resource, UserId};

/// Answers everybody with PAID; its base URL.
pub fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = r#"{"status":200,"error":false,"meta":{"user_id":"1","resource_id":"2","resource_type":"PLUGIN","payment_status":"PAID","date_of_purchase":"2024-06-15T14:30:00Z"}}"#;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}");
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        }
    });
    url
}

/// The program's own request.
pub async fn ask_with_reqwest(url: &str) {
    let answer = reqwest::Client::new().get(url).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("PAID"));
}

/// For Figma's server; nothing is sent. Fails where no certificates are installed.
pub fn client() -> Result<Client, figma_payments::Error> {
    Client::new(PersonalAccessToken::new("figd_beside").unwrap())
}

/// Asks this server instead of Figma's.
pub async fn ask_with_figma_payments(url: &str, http: Option<reqwest::ClientBuilder>) {
    let mut builder =
        Client::builder(PersonalAccessToken::new("figd_beside").unwrap()).base_url(url);
    if let Some(http) = http {
        builder = builder.http(http);
    }
    let query = PaymentQuery::by_user(UserId::from(1), Resource::plugin("2").unwrap());
    let client = builder.build().unwrap();
    assert!(client.get_payments(query).await.unwrap().grants_access());
}

/// What worked before this crate was used works on, before and after; nothing is
/// installed for the whole process.
pub async fn works_before_and_after() {
    let url = server();
    let installed = rustls::crypto::CryptoProvider::get_default().is_some();
    ask_with_reqwest(&url).await;
    client().unwrap();
    ask_with_figma_payments(&url, None).await;
    ask_with_figma_payments(&url, Some(reqwest::Client::builder())).await;
    ask_with_reqwest(&url).await;
    assert_eq!(rustls::crypto::CryptoProvider::get_default().is_some(), installed);
}
