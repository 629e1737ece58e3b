//! Requests as a server sees them, and its replies.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::gate::Gate;
use super::script::Step;

/// A request as the server saw it, with its secrets.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    /// The host, and the port if there is one, of a target in absolute form:
    /// `localhost:4010` in `GET http://localhost:4010/v1/payments`. Clients send that form
    /// to proxies.
    pub authority: Option<String>,
    /// The headers, with lower-case names.
    pub headers: HeaderMap,
    /// The body; empty for a GET.
    pub body: Bytes,
}

/// Without what may be a secret: the query, and the values of headers.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.keys().map(|name| name.as_str()).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path())
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Request {
    /// The target up to its query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The target's query; empty if there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// A request that the sandbox got, and what it answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// The first request of the sandbox has number 1, the next one 2, and so on. No number is
    /// given twice.
    pub number: u64,
    /// When the request had arrived, by the clock of the machine.
    pub received: SystemTime,
    /// The request, with its secrets.
    pub request: Request,
    /// The status of the answer. `None` if there was no whole answer, because a fault took
    /// the connection.
    pub status: Option<u16>,
    /// The body of the answer; empty if there was no whole one.
    pub body: Bytes,
}

/// What a server does with a request: it responds, or it misbehaves by a script.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) gates: Vec<Gate>,
    pub(super) delay: Duration,
    pub(super) action: Action,
    /// Whether the sandbox leaves the request out of its log, or has it there already.
    pub(super) skips_log: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Respond(http::Response<Body>),
    Play(Vec<Step>),
}

#[derive(Clone)]
pub(super) enum Body {
    Whole(Bytes),
    Stream(Arc<dyn Fn() -> BoxStream<'static, Bytes> + Send + Sync>),
}

impl Body {
    fn whole(&self) -> Bytes {
        match self {
            Body::Whole(bytes) => bytes.clone(),
            Body::Stream(_) => Bytes::new(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Whole(bytes) => f.debug_tuple("Whole").field(bytes).finish(),
            Body::Stream(_) => f.debug_tuple("Stream").finish_non_exhaustive(),
        }
    }
}

impl Reply {
    /// Answers with this status and body, as JSON.
    ///
    /// # Panics
    ///
    /// If the status is not from 100 to 999.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or_else(|_| {
            panic!("{status} is not an HTTP status; it has to be from 100 to 999")
        });
        Reply::respond(status, "application/json", Body::Whole(body.into()))
    }

    /// Answers 200 with server-sent events. What the stream yields is sent at once, as it
    /// is. The response ends with the stream, or when the client goes away, which drops the
    /// stream. Each response gets a stream of its own.
    pub fn events<S>(body: impl Fn() -> S + Send + Sync + 'static) -> Self
    where
        S: Stream + Send + 'static,
        S::Item: Into<Bytes>,
    {
        let body = Body::Stream(Arc::new(move || body().map(Into::into).boxed()));
        Reply::respond(StatusCode::OK, "text/event-stream", body)
    }

    fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Self {
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Reply::new(Action::Respond(response))
    }

    /// Does these steps instead of a response, and closes the connection.
    pub fn script(steps: impl IntoIterator<Item = Step>) -> Self {
        Reply::new(Action::Play(steps.into_iter().collect()))
    }

    fn new(action: Action) -> Self {
        Reply { gates: Vec::new(), delay: Duration::ZERO, action, skips_log: false }
    }

    /// Adds a header to the response; `content-type` replaces the one that is there. Does nothing
    /// to a script.
    ///
    /// # Panics
    ///
    /// If the name or the value is not valid in HTTP.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Action::Respond(response) = &mut self.action {
            let value: HeaderValue = value.parse().unwrap_or_else(|_| {
                panic!("the value of the header {name:?} has a character that no header can carry")
            });
            let name: HeaderName =
                name.parse().unwrap_or_else(|_| panic!("{name:?} is not a valid header name"));
            match name == CONTENT_TYPE {
                true => drop(response.headers_mut().insert(name, value)),
                false => drop(response.headers_mut().append(name, value)),
            }
        }
        self
    }

    /// Holds the reply until this gate is open. With several gates, all have to be open.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gates.push(gate.clone());
        self
    }

    /// Waits this long before anything else. The time begins when all
    /// [gates](Self::behind) are open.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Keeps the request out of [`Sandbox::requests`](super::Sandbox::requests): for replies
    /// to requests that are not for Figma.
    #[must_use]
    pub fn not_recorded(mut self) -> Self {
        self.skips_log = true;
        self
    }

    /// The status of the response. `None` if a script takes its place.
    pub(super) fn status(&self) -> Option<u16> {
        match &self.action {
            Action::Respond(response) => Some(response.status().as_u16()),
            Action::Play(_) => None,
        }
    }

    /// The whole body of the response; empty if there is none.
    pub(super) fn body(&self) -> Bytes {
        match &self.action {
            Action::Respond(response) => response.body().whole(),
            Action::Play(_) => Bytes::new(),
        }
    }

    /// Adds to the delay.
    pub(super) fn later(self, delay: Duration) -> Self {
        let delay = self.delay + delay;
        self.after(delay)
    }

    /// Waits for the gates and for the delay.
    pub(super) async fn due(&self) {
        for gate in &self.gates {
            gate.opened().await;
        }
        tokio::time::sleep(self.delay).await;
    }

    /// Replaces a response by these steps. A script stays as it is.
    pub(super) fn replaced_by(
        self,
        steps: impl FnOnce(http::Response<Bytes>) -> Vec<Step>,
    ) -> Self {
        match self.action {
            Action::Respond(response) => {
                let steps = steps(response.map(|body| body.whole()));
                Reply { action: Action::Play(steps), ..self }
            }
            Action::Play(_) => self,
        }
    }
}
