//! What a server sees, and what it does about it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::gate::Gate;
use super::script::Step;

/// A request as the server saw it. It holds the secrets that it came with.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// Path and query, as they stood on the wire.
    pub target: String,
    /// The host, and perhaps port, of a target in absolute form, such as
    /// `localhost:4010` in `GET http://localhost:4010/v1/payments`. Clients send
    /// that to proxies.
    pub authority: Option<String>,
    /// The headers, with lower-case names.
    pub headers: HeaderMap,
    /// The body, which a GET has none of.
    pub body: Bytes,
}

/// Without what may be a secret: the query, and what the headers hold.
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

/// What a server does about a request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) gates: Vec<Gate>,
    pub(super) delay: Duration,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
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
        Reply::of(What::Respond(response))
    }

    /// Does these steps in place of an answer, and closes the connection.
    pub fn script(steps: impl IntoIterator<Item = Step>) -> Self {
        Reply::of(What::Play(steps.into_iter().collect()))
    }

    fn of(what: What) -> Self {
        Reply { gates: Vec::new(), delay: Duration::ZERO, what }
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

    /// Holds the reply until this gate is open. Behind several gates it is held
    /// until all of them are.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gates.push(gate.clone());
        self
    }

    /// Waits this long before anything else; behind a [gate](Self::behind),
    /// from when that is open.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits this much longer.
    pub(super) fn later(self, delay: Duration) -> Self {
        let delay = self.delay + delay;
        self.after(delay)
    }

    /// Returns when it is time for the answer.
    pub(super) async fn due(&self) {
        for gate in &self.gates {
            gate.opened().await;
        }
        tokio::time::sleep(self.delay).await;
    }

    /// Does these steps in place of the answer; a script stays as it is.
    pub(super) fn instead(self, steps: impl FnOnce(http::Response<Bytes>) -> Vec<Step>) -> Self {
        match self.what {
            What::Respond(response) => Reply { what: What::Play(steps(response)), ..self },
            What::Play(_) => self,
        }
    }
}
