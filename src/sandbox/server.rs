//! HTTP on loopback, with hyper, and a way out of HTTP for faults.

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use super::message::{Reply, Request, What};
use super::script::{self, Step};

/// A connection that does not send a whole head in this time is closed, and so
/// is one that does not send a whole body.
const HALF_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Twice the longest target that the client sends; a longer head is answered
/// with 431.
const MAX_HEAD: usize = 32 * 1024;

/// Nothing that the sandbox reads is longer.
const MAX_REQUEST_BODY: usize = 64 * 1024;

const TOO_LONG: &str = r#"{"error":true,"status":413,"message":"The body is longer than 64 KiB."}"#;

/// A free port of this machine alone.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server on loopback that does to every request what a function says, down
/// to the bytes, and remembers the requests. It stops when it is dropped.
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
    /// Starts on a free port of 127.0.0.1 and asks `handler` about every
    /// request.
    ///
    /// # Errors
    ///
    /// When the operating system gives it no port.
    pub async fn start(
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let arrived = Arc::new(watch::Sender::new(0));
        let (log, count) = (Arc::clone(&requests), Arc::clone(&arrived));
        let (address, server) = listen(LOOPBACK, move |request| {
            lock(&log).push(request.clone());
            let reply = handler(request);
            count.send_modify(|arrived| *arrived += 1);
            reply
        })
        .await?;
        Ok(ScriptedServer { address, requests, arrived, server })
    }

    /// Starts and plays the steps to every connection without reading from it.
    ///
    /// # Errors
    ///
    /// When the operating system gives it no port.
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

    /// Returns when this many requests in all have arrived, and the handler has
    /// said what to do about each. It waits without end for requests that do
    /// not come, and for those of a [deaf](Self::start_deaf) server, which
    /// reads none.
    ///
    /// With a [`Gate`](super::Gate) a test puts things in an order, and sleeps
    /// for none of them:
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
    /// // The question is on its way, and has no answer before the gate is open.
    /// gate.open();
    /// assert_eq!(asked.await?.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn arrived(&self, requests: usize) {
        // It fails when there is no sender left, and this is one.
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

/// Serves there until the task is aborted.
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

/// Accepts until it is aborted; its connections end with it.
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
                    // Answers are small; waiting to fill a packet delays them.
                    let _ = stream.set_nodelay(true);
                    if oldest_first.len() > 2 * connections.len() + 64 {
                        oldest_first.retain(|connection| !connection.is_finished());
                    }
                    oldest_first.push_back(connections.spawn(serve(stream)));
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of file descriptors: idle connections must not keep a
                // new one out, so the oldest one goes.
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

/// Speaks HTTP until a reply is a script; then the stream is taken back and the
/// script is played on it.
async fn connection(stream: TcpStream, handler: Arc<Handler>) {
    let (take, mut taken) = mpsc::channel(1);
    let service = service_fn(|request| {
        let (handler, take) = (Arc::clone(&handler), take.clone());
        async move {
            let reply = match whole(request).await? {
                Some(request) => handler(&request),
                None => Reply::json(413, TOO_LONG),
            };
            reply.due().await;
            match reply.what {
                What::Respond(response) => Ok::<_, io::Error>(response.map(Full::new)),
                What::Play(steps) => {
                    let _ = take.send(steps).await;
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
        // A client that goes away in the middle is no concern of the server.
        _ = &mut connection => return,
        Some(steps) = taken.recv() => steps,
    };
    let stream = connection.into_parts().io.into_inner();
    script::play(stream, steps).await;
}

/// The request with its body, unless that is too long. An error closes the
/// connection.
async fn whole(request: hyper::Request<hyper::body::Incoming>) -> io::Result<Option<Request>> {
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
        headers: unshared(head.headers),
        body: Bytes::copy_from_slice(&body),
    }))
}

/// With values that are copies. hyper's are slices of all that it read from the
/// connection, and a request that is remembered would keep all of that.
fn unshared(mut headers: HeaderMap) -> HeaderMap {
    for value in headers.values_mut() {
        *value = HeaderValue::from_bytes(value.as_bytes()).expect("it was one before");
    }
    headers
}
