//! An HTTP server with hyper. A reply may also be a script, which takes over the
//! connection from hyper.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use super::message::{Action, Body, Reply, Request};
use super::script::{self, Step};

/// A connection is closed if the head of a request, or its body, takes longer than this.
const HALF_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest head of a request; a longer one is answered with 431. It is twice the
/// longest target that the client sends.
const MAX_HEAD: usize = 32 * 1024;

/// The longest body of a request; a longer one is answered with 413.
const MAX_REQUEST_BODY: usize = 64 * 1024;

const BODY_TOO_LONG: &str =
    r#"{"error":true,"status":413,"message":"The body is longer than 64 KiB."}"#;

/// A free port that only this machine can reach.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server on loopback whose replies a function decides, down to the bytes. It keeps the
/// requests. It stops when it is dropped.
pub struct ScriptedServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    arrived: Arc<watch::Sender<usize>>,
    server: JoinHandle<()>,
}

impl fmt::Debug for ScriptedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ScriptedServer {
    /// Starts on a free port of 127.0.0.1. `handler` decides the reply to every request.
    ///
    /// # Errors
    ///
    /// If the operating system does not give it a port.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, no server is left behind.
    pub async fn start(
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let arrived = Arc::new(watch::Sender::new(0));
        let log = Arc::clone(&requests);
        let arrived_count = Arc::clone(&arrived);
        let (address, server) = listen(LOOPBACK, move |request| {
            lock(&log).push(request.clone());
            let reply = handler(request);
            arrived_count.send_modify(|arrived| *arrived += 1);
            reply
        })
        .await?;
        Ok(ScriptedServer { address, requests, arrived, server })
    }

    /// Starts a server that does these steps on every connection and reads no request.
    ///
    /// # Errors
    ///
    /// If the operating system does not give it a port.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, no server is left behind.
    pub async fn start_deaf(steps: Vec<Step>) -> io::Result<Self> {
        let listener = TcpListener::bind(LOOPBACK).await?;
        let address = listener.local_addr()?;
        let server = accept(listener, move |stream| script::play(stream, steps.clone()));
        let server = tokio::spawn(server);
        Ok(ScriptedServer { address, requests: Arc::default(), arrived: Arc::default(), server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens: the client's
    /// [`base_url`](crate::ClientBuilder::base_url).
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    /// Waits until this many requests have arrived since the start, and the handler has
    /// decided the reply to each. It waits forever if they do not arrive, and for a server
    /// from [`start_deaf`](Self::start_deaf), which reads no request.
    ///
    /// Together with a [`Gate`](super::Gate), a test can order what happens without any
    /// sleep:
    ///
    /// ```
    /// use figma_payments::sandbox::{Gate, Reply, ScriptedServer};
    /// use figma_payments::{Client, ErrorKind, PaymentQuery, PersonalAccessToken, Resource, UserId};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gate = Gate::new();
    /// let held = gate.clone();
    /// let server = ScriptedServer::start(move |_| Reply::json(404, "{}").behind(&held)).await?;
    /// let token = PersonalAccessToken::new("figd_x")?;
    /// let client = Client::builder(token).base_url(server.base_url()).build()?;
    /// let query = PaymentQuery::by_user(UserId::from(500123), Resource::plugin("1122334455")?);
    ///
    /// let asked = tokio::spawn(async move { client.get_payments(query).await });
    /// server.arrived(1).await;
    /// // The server has the request, and does not answer before the gate is open.
    /// gate.open();
    /// assert_eq!(asked.await?.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// You may drop the future at any time, and wait again: requests are counted from the
    /// start of the server.
    pub async fn arrived(&self, requests: usize) {
        // It fails only if all senders are dropped, and `self` has one.
        let _ = self.arrived.subscribe().wait_for(|arrived| *arrived >= requests).await;
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves at this address until the task is aborted.
pub(super) async fn listen(
    address: SocketAddr,
    handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let handler: Arc<Handler> = Arc::new(handler);
    let server = accept(listener, move |stream| connection(stream, Arc::clone(&handler)));
    Ok((address, tokio::spawn(server)))
}

/// Accepts connections until it is aborted, which also ends the connections.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Sends small answers at once instead of waiting to fill a packet.
                    let _ = stream.set_nodelay(true);
                    if oldest_first.len() > 2 * connections.len() + 64 {
                        oldest_first.retain(|connection| !connection.is_finished());
                    }
                    oldest_first.push_back(connections.spawn(serve(stream)));
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // There are no file descriptors left, so the oldest connection is
                // closed, which may be idle.
                Err(_) => {
                    oldest_first.retain(|connection| !connection.is_finished());
                    if let Some(oldest) = oldest_first.pop_front() {
                        oldest.abort();
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Speaks HTTP on a connection. If a reply is a script, takes the stream back from hyper
/// and plays the script on it.
async fn connection(stream: TcpStream, handler: Arc<Handler>) {
    let (script_sender, mut script_receiver) = mpsc::channel(1);
    let service = service_fn(|request| {
        let handler = Arc::clone(&handler);
        let script_sender = script_sender.clone();
        async move {
            let reply = match read_request(request).await? {
                Some(request) => handler(&request),
                None => Reply::json(413, BODY_TOO_LONG),
            };
            reply.due().await;
            match reply.action {
                Action::Respond(response) => Ok::<_, io::Error>(response.map(body)),
                Action::Play(steps) => {
                    let _ = script_sender.send(steps).await;
                    pending().await
                }
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HALF_REQUEST_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let steps: Vec<Step> = tokio::select! {
        // Errors are ignored: a client may close the connection at any time.
        _ = &mut connection => return,
        Some(steps) = script_receiver.recv() => steps,
    };
    let stream = connection.into_parts().io.into_inner();
    script::play(stream, steps).await;
}

fn body(body: Body) -> impl hyper::body::Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> {
    match body {
        Body::Whole(bytes) => Either::Left(Full::new(bytes)),
        Body::Stream(stream) => Either::Right(StreamBody::new(
            stream().map(|bytes| Ok::<_, Infallible>(Frame::data(bytes))),
        )),
    }
}

/// Reads the request with its body. `None` if the body is too long. An error closes the
/// connection.
async fn read_request(
    request: hyper::Request<hyper::body::Incoming>,
) -> io::Result<Option<Request>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BODY).collect();
    let body = match tokio::time::timeout(HALF_REQUEST_TIMEOUT, body).await? {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(None),
        Err(error) => return Err(io::Error::other(error)),
    };
    let target = head.uri.path_and_query();
    Ok(Some(Request {
        method: head.method.to_string(),
        target: target.map_or("/", |target| target.as_str()).to_owned(),
        authority: head.uri.authority().map(ToString::to_string),
        headers: with_copied_values(head.headers),
        body: Bytes::copy_from_slice(&body),
    }))
}

/// The headers with copies of their values. hyper's values are slices of its read buffer,
/// which the log of requests would keep in memory.
fn with_copied_values(mut headers: HeaderMap) -> HeaderMap {
    for value in headers.values_mut() {
        *value = HeaderValue::from_bytes(value.as_bytes())
            .expect("a copy of a valid header value is valid");
    }
    headers
}
