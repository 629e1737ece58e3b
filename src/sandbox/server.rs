//! HTTP on loopback, with hyper.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::state::State;

/// A connection that does not send a whole head in this time is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Accepts until it is aborted; its connections end with it.
pub(super) async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&state)));
                }
                // Out of file descriptors, for instance: the next may do better.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<Mutex<State>>) {
    // Answers are small; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let response = respond(&request, &state);
        async { Ok::<_, Infallible>(response) }
    });
    // A client that goes away in the middle is no concern of the server.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn respond(request: &Request<Incoming>, state: &Mutex<State>) -> Response<Full<Bytes>> {
    let token = request.headers().get("x-figma-token");
    let token = token.and_then(|token| token.to_str().ok());
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, body) = state.answer(request.method().as_str(), target, token);
    drop(state);

    let mut response = Response::new(Full::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == 405 {
        headers.insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}
