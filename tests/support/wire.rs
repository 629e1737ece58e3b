//! HTTP by hand, for requests that the client never sends.

use std::io::{ErrorKind, Result};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer as it stood on the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends one request, and reads until the server closes; an error if the answer
/// is not whole.
pub async fn send(
    base_url: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let stream = TcpStream::connect(base_url.trim_start_matches("http://")).await?;
    send_over(stream, method, target, headers, body).await
}

/// The same over a connection that is there.
pub async fn send_over(
    mut stream: TcpStream,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let authority = stream.peer_addr()?;
    let mut request = format!("{method} {target} HTTP/1.1\r\nhost: {authority}\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

pub async fn get(base_url: &str, target: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    send(base_url, "GET", target, headers, "").await
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .map(|line| {
            line.split_once(':').map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()))
        })
        .collect::<Option<Vec<_>>>()?;
    let answer = Answer { status, headers, body: body.to_owned() };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    // An answer to HEAD has a length and no body.
    (body.is_empty() || length.is_none_or(|length: usize| length == body.len())).then_some(answer)
}
