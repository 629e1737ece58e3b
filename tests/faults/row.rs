//! One row of the matrix: a server, a call, and what has to come of it.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use figma_payments::sandbox::{Reply, ScriptedServer, Step};
use figma_payments::{
    Client, ClientBuilder, Error, ErrorKind, PaymentInformation, PaymentStatus, RetryPolicy,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::{access_token, by_token, shows_secret};

pub const TIMEOUT: Duration = Duration::from_millis(700);
pub const DEADLINE: Duration = Duration::from_secs(4);

/// A busy machine is late by itself.
const SLACK: Duration = Duration::from_millis(500);

/// A server's behaviour.
pub enum Server {
    /// The first request gets the first reply, and so on; the last one stays.
    Replies(Vec<Reply>),
    /// These steps, without reading a request.
    Deaf(Vec<Step>),
    /// Nobody listens.
    Closed,
    /// Connections are taken by the operating system, and by nobody else.
    Silent,
    /// Not even connections are taken.
    Full,
    /// TLS with a certificate that nobody vouches for.
    UntrustedTls,
    /// Plain HTTP where TLS is spoken to.
    PlainWhereTls,
}

enum Expected {
    Answer(PaymentStatus),
    Kind(ErrorKind),
}

type Check = Box<dyn Fn(&Error) -> Result<(), String>>;

pub struct Row {
    name: &'static str,
    server: Server,
    tune: fn(ClientBuilder) -> ClientBuilder,
    expected: Expected,
    requests: usize,
    checks: Vec<Check>,
}

impl Row {
    fn new(name: &'static str, server: Server, expected: Expected) -> Self {
        Row { name, server, tune: |builder| builder, expected, requests: 1, checks: Vec::new() }
    }

    pub fn answer(name: &'static str, server: Server, status: PaymentStatus) -> Self {
        Row::new(name, server, Expected::Answer(status))
    }

    pub fn fails(name: &'static str, server: Server, kind: ErrorKind) -> Self {
        Row::new(name, server, Expected::Kind(kind))
    }

    /// How many requests the server has to see; 1 unless said otherwise.
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    pub fn tune(mut self, tune: fn(ClientBuilder) -> ClientBuilder) -> Self {
        self.tune = tune;
        self
    }

    pub fn status(self, status: u16) -> Self {
        self.check(move |error| match error.status() {
            Some(found) if found == status => Ok(()),
            found => Err(format!("status {found:?}, expected {status}")),
        })
    }

    pub fn says(self, message: &'static str) -> Self {
        self.check(move |error| match error.api_message() {
            Some(found) if found == message => Ok(()),
            found => Err(format!("api_message {found:?}, expected {message:?}")),
        })
    }

    pub fn says_nothing(self) -> Self {
        self.check(|error| match error.api_message() {
            None => Ok(()),
            found => Err(format!("api_message {found:?}, expected none")),
        })
    }

    pub fn retry_after(self, seconds: Option<u64>) -> Self {
        self.check(move |error| match error.retry_after().map(|wait| wait.as_secs()) {
            found if found == seconds => Ok(()),
            found => Err(format!("retry_after {found:?}, expected {seconds:?}")),
        })
    }

    /// The whole message has this in it.
    pub fn tells(self, part: &'static str) -> Self {
        self.check(move |error| match error.to_string().contains(part) {
            true => Ok(()),
            false => Err(format!("{error}: expected to tell {part:?}")),
        })
    }

    pub fn check(mut self, check: impl Fn(&Error) -> Result<(), String> + 'static) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    /// Runs it; what comes back is what was not as expected.
    pub async fn run(self) -> Vec<String> {
        let running = Running::start(self.server).await;
        let client = Client::builder(access_token())
            .base_url(running.url())
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT)
            .deadline(DEADLINE)
            .retry(
                RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(4)),
            );
        let client = (self.tune)(client).build().unwrap();

        let started = Instant::now();
        let outcome = client.get_payments(by_token()).await;
        let took = started.elapsed();

        let mut wrong = Vec::new();
        match (&self.expected, &outcome) {
            (Expected::Answer(status), Ok(payment)) => {
                if payment.payment_status != *status {
                    wrong.push(format!("answered {}", payment.payment_status));
                }
            }
            (Expected::Kind(kind), Err(error)) => {
                if error.kind() != *kind {
                    wrong.push(format!("expected {kind:?}, got {:?}: {error}", error.kind()));
                }
                wrong.extend(self.checks.iter().filter_map(|check| check(error).err()));
            }
            (_, outcome) => wrong.push(format!("unexpected: {outcome:?}")),
        }
        if let Some(requests) = running.requests().filter(|seen| *seen != self.requests) {
            wrong.push(format!("the server saw {requests} requests, expected {}", self.requests));
        }
        if took > DEADLINE + SLACK {
            wrong.push(format!("took {took:?}"));
        }
        if let Some(text) = printed(&outcome).into_iter().find(|text| shows_secret(text)) {
            wrong.push(format!("shows a secret: {text}"));
        }
        wrong.into_iter().map(|wrong| format!("{}: {wrong}", self.name)).collect()
    }
}

/// Everything that an outcome can be printed as.
fn printed(outcome: &Result<PaymentInformation, Error>) -> Vec<String> {
    let mut texts = vec![format!("{outcome:?}"), format!("{outcome:#?}")];
    if let Err(error) = outcome {
        texts.push(error.to_string());
        texts.push(format!("{error:#}"));
        texts.push(format!("{:?} {:?}", error.rate_limit(), error.request_id()));
        let mut source = error.source();
        while let Some(cause) = source {
            texts.push(format!("{cause} {cause:?}"));
            source = cause.source();
        }
    }
    texts
}

/// A server at work, kept until the row has ended.
enum Running {
    Scripted(ScriptedServer, &'static str),
    Address(SocketAddr, &'static str, #[expect(dead_code, reason = "kept open")] Vec<Kept>),
}

#[expect(dead_code, reason = "kept open")]
enum Kept {
    Listener(TcpListener),
    Stream(TcpStream),
    Task(tokio::task::JoinHandle<()>),
}

impl Running {
    async fn start(server: Server) -> Running {
        match server {
            Server::Replies(replies) => Running::Scripted(replying(replies).await, "http"),
            Server::PlainWhereTls => {
                Running::Scripted(replying(vec![Reply::json(200, "")]).await, "https")
            }
            Server::Deaf(steps) => {
                Running::Scripted(ScriptedServer::start_deaf(steps).await.unwrap(), "http")
            }
            Server::Closed => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                Running::Address(listener.local_addr().unwrap(), "http", Vec::new())
            }
            Server::Silent => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                Running::Address(address, "http", vec![Kept::Listener(listener)])
            }
            Server::Full => full().await,
            Server::UntrustedTls => untrusted_tls().await,
        }
    }

    fn url(&self) -> String {
        match self {
            Running::Scripted(server, scheme) => format!("{scheme}://{}", server.address()),
            Running::Address(address, scheme, _) => format!("{scheme}://{address}"),
        }
    }

    /// How many requests were seen; `None` where nobody reads them.
    fn requests(&self) -> Option<usize> {
        match self {
            Running::Scripted(server, _) => Some(server.requests().len()),
            Running::Address(..) => None,
        }
    }
}

async fn replying(replies: Vec<Reply>) -> ScriptedServer {
    let next = AtomicUsize::new(0);
    let reply = move |_: &_| {
        let index = next.fetch_add(1, Ordering::Relaxed);
        replies[index.min(replies.len() - 1)].clone()
    };
    ScriptedServer::start(reply).await.unwrap()
}

/// Fills the queue of connections, so that the next one is not even begun.
async fn full() -> Running {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut kept = vec![Kept::Listener(listener)];
    let brief = Duration::from_millis(100);
    while let Ok(Ok(stream)) = tokio::time::timeout(brief, TcpStream::connect(address)).await {
        kept.push(Kept::Stream(stream));
    }
    Running::Address(address, "http", kept)
}

async fn untrusted_tls() -> Running {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The client has to refuse it.
            assert!(acceptor.accept(stream).await.is_err());
        }
    });
    Running::Address(address, "https", vec![Kept::Task(task)])
}
