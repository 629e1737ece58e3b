//! The client's own connections: whom it trusts, through which proxy it goes, and
//! how long it waits for both.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use figma_payments::{Client, ErrorKind};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use crate::support::{ACCESS_TOKEN, access_token, by_user, paid};

/// Run by the tests below in a process of its own, whose environment names the
/// proxies and the certificates; on its own it has nothing to do.
#[tokio::test]
async fn ask_as_the_environment_says() {
    let Ok(base_url) = std::env::var("BASE_URL_OF_THE_PARENT") else { return };
    let builder = Client::builder(access_token()).base_url(base_url).allow_plain_http(true);
    let outcome = builder.build().unwrap().get_payments(by_user()).await;
    println!("outcome: {outcome:?}");
}

async fn ask(base_url: &str, environment: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "connections::ask_as_the_environment_says", "--nocapture"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        child.env_remove(name).env_remove(name.to_uppercase());
    }
    child.env("BASE_URL_OF_THE_PARENT", base_url).envs(environment.iter().copied());
    let Output { status, stdout, stderr } = child.output().await.unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|said| String::from_utf8(said).unwrap());
    assert!(status.success(), "{stdout}{stderr}");
    let (_, outcome) = stdout.split_once("outcome: ").unwrap();
    outcome.lines().next().unwrap().to_owned()
}

/// A server, or a proxy in front of all servers, that answers everybody with PAID.
struct Server {
    port: u16,
    /// The heads of the requests that it saw, those inside of a tunnel too.
    seen: Arc<Mutex<Vec<String>>>,
    /// Its certificate, where `SSL_CERT_FILE` can name it.
    certificate: PathBuf,
}

impl Server {
    /// For this name. Without TLS at once it is spoken when a tunnel is asked for.
    async fn start(name: &str, tls_at_once: bool) -> Server {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let certificate = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{port}.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if !tls_at_once {
                    let head = head(&mut stream).await;
                    let tunnel = head.starts_with("CONNECT ");
                    heads.lock().unwrap().push(head);
                    if !tunnel {
                        answer(stream).await;
                        continue;
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                }
                let Ok(mut stream) = tls.accept(stream).await else { continue };
                let head = head(&mut stream).await;
                heads.lock().unwrap().push(head);
                answer(stream).await;
            }
        });
        Server { port, seen, certificate }
    }

    fn certificate(&self) -> &str {
        self.certificate.to_str().unwrap()
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn answer(mut stream: impl AsyncWrite + Unpin) {
    let body = paid().to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn whom_the_system_trusts_is_asked_and_nobody_else() {
    let server = Server::start("localhost", true).await;
    let url = format!("https://localhost:{}", server.port);
    let outcome = ask(&url, &[("SSL_CERT_FILE", server.certificate())]).await;
    assert!(outcome.starts_with("Ok(") && outcome.contains("Paid"), "{outcome}");
    assert!(server.seen()[0].contains(ACCESS_TOKEN), "{:?}", server.seen());

    let stranger = Server::start("localhost", true).await;
    let outcome = ask(&url, &[("SSL_CERT_FILE", stranger.certificate())]).await;
    assert!(outcome.contains("Connect") && outcome.contains("certificate"), "{outcome}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_and_sees_no_token() {
    let proxy = Server::start("figma.test", false).await;
    let url = format!("http://user:word@127.0.0.1:{}", proxy.port);
    let environment = [("HTTPS_PROXY", url.as_str()), ("SSL_CERT_FILE", proxy.certificate())];
    let outcome = ask("https://figma.test", &environment).await;
    assert!(outcome.starts_with("Ok("), "{outcome}");
    let [tunnel, asked] = &proxy.seen()[..] else { panic!("{:?}", proxy.seen()) };
    let tunnel = tunnel.to_lowercase();
    assert!(tunnel.starts_with("connect figma.test:443 http/1.1\r\n"), "{tunnel}");
    assert!(tunnel.contains("proxy-authorization: basic dxnlcjp3b3jk\r\n"), "{tunnel}");
    assert!(tunnel.contains("user-agent: figma-payments/") && !tunnel.contains("marked"));
    assert!(asked.starts_with("GET /v1/payments?") && asked.contains(ACCESS_TOKEN), "{asked}");
    assert!(!asked.contains("proxy-authorization"), "{asked}");
}

#[tokio::test]
async fn a_proxy_passes_on_what_is_asked_in_the_clear() {
    let proxy = Server::start("figma.test", false).await;
    let url = format!("http://user:word@127.0.0.1:{}", proxy.port);
    let outcome = ask("http://figma.test", &[("HTTP_PROXY", &url)]).await;
    assert!(outcome.starts_with("Ok("), "{outcome}");
    let [asked] = &proxy.seen()[..] else { panic!("{:?}", proxy.seen()) };
    assert!(asked.starts_with("GET http://figma.test/v1/payments?"), "{asked}");
    assert!(asked.contains("proxy-authorization: Basic dXNlcjp3b3Jk\r\n"), "{asked}");
    assert!(asked.contains("host: figma.test\r\n"), "{asked}");
}

#[tokio::test]
async fn a_proxy_that_speaks_no_http_is_told_and_its_password_is_not() {
    let proxy = Server::start("figma.test", false).await;
    let url = format!("socks5://user:hunter2@127.0.0.1:{}", proxy.port);
    let outcome = ask("https://figma.test", &[("ALL_PROXY", &url)]).await;
    assert!(
        outcome.contains("Connect") && outcome.contains("does not begin with http"),
        "{outcome}"
    );
    assert!(!outcome.contains("hunter2"), "{outcome}");
    assert_eq!(proxy.seen().len(), 0);
}

#[tokio::test]
async fn the_time_to_connect_is_for_tls_too() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::builder(access_token())
        .base_url(format!("https://{}", silent.local_addr().unwrap()))
        .connect_timeout(Duration::from_millis(100))
        .timeout(Duration::from_secs(60))
        .deadline(Duration::from_secs(60))
        .retry(figma_payments::RetryPolicy::none())
        .build()
        .unwrap();
    let error = client.get_payments(by_user()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("connecting took longer than"), "{error}");
}
