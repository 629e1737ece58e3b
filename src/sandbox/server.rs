//! HTTP on loopback, with hyper, and a way out of HTTP for faults.

use std::fmt;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::script::{self, Step};

/// A connection that does not send a whole head in this time is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A request as the server saw it. It holds the secrets that it came with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// Path and query, as they stood on the wire.
    pub target: String,
    /// The headers, with lower-case names.
    pub headers: HeaderMap,
}

/// What a server does about a request.
#[derive(Debug, Clone)]
pub struct Reply {
    delay: Duration,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Respond(http::Response<Bytes>),
    Play(Vec<Step>),
}

impl Reply {
    /// Answers with this status and body, as JSON.
    ///
    /// # Panics
    ///
    /// When HTTP knows no such status.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let mut response = http::Response::new(body.into());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status of HTTP");
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Reply { delay: Duration::ZERO, what: What::Respond(response) }
    }

    /// Does these steps in place of an answer, and closes the connection.
    pub fn script(steps: impl IntoIterator<Item = Step>) -> Self {
        Reply { delay: Duration::ZERO, what: What::Play(steps.into_iter().collect()) }
    }

    /// Adds a header to the answer; it does nothing to a script.
    ///
    /// # Panics
    ///
    /// When HTTP allows no such name or value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let What::Respond(response) = &mut self.what {
            let name: HeaderName = name.parse().expect("a header name");
            let value = value.parse().expect("a header value");
            match name == CONTENT_TYPE {
                true => drop(response.headers_mut().insert(name, value)),
                false => drop(response.headers_mut().append(name, value)),
            }
        }
        self
    }

    /// Waits this long before anything else.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server on loopback that does to every request what a function says, down
/// to the bytes, and remembers the requests. It stops when it is dropped.
pub struct ScriptedServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
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
        let log = Arc::clone(&requests);
        let (address, server) = listen(move |request| {
            lock(&log).push(request.clone());
            handler(request)
        })
        .await?;
        Ok(ScriptedServer { address, requests, server })
    }

    /// Starts and plays the steps to every connection without reading from it.
    ///
    /// # Errors
    ///
    /// When the operating system gives it no port.
    pub async fn start_deaf(steps: Vec<Step>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = accept(listener, move |stream| script::play(stream, steps.clone()));
        Ok(ScriptedServer { address, requests: Arc::default(), server: tokio::spawn(server) })
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
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves on a free port until the task is aborted.
pub(super) async fn listen(
    handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
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
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Answers are small; waiting to fill a packet delays them.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream));
                }
                // Out of file descriptors, for instance: the next may do better.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Speaks HTTP until a reply is a script; then the stream is taken back and the
/// script is played on it.
async fn connection(stream: TcpStream, handler: Arc<Handler>) {
    let (take, mut taken) = mpsc::channel(1);
    let service = service_fn(|request: hyper::Request<_>| {
        let reply = handler(&seen(&request));
        let take = take.clone();
        async move {
            tokio::time::sleep(reply.delay).await;
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
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let steps = tokio::select! {
        // A client that goes away in the middle is no concern of the server.
        _ = &mut connection => return,
        Some(steps) = taken.recv() => steps,
    };
    let stream = connection.into_parts().io.into_inner();
    script::play(stream, steps).await;
}

fn seen(request: &hyper::Request<hyper::body::Incoming>) -> Request {
    let target = request.uri().path_and_query();
    Request {
        method: request.method().to_string(),
        target: target.map_or("/", |target| target.as_str()).to_owned(),
        headers: request.headers().clone(),
    }
}
