//! Scripts for a connection, byte by byte, below HTTP.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The longest time for a step that waits for the other side, so that a test whose client
/// does not close the connection ends.
const MAX_STEP_TIME: Duration = Duration::from_secs(60);

/// A step of a script. After the last step the connection is closed in an orderly way.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Sends these bytes as they are.
    Send(Bytes),
    /// Sends these bytes one at a time, with a pause after each.
    Trickle(Bytes, Duration),
    /// Sends these bytes again and again until the other side closes the connection, for a
    /// minute at most.
    Repeat(Bytes),
    /// Does nothing for this long.
    Wait(Duration),
    /// Does nothing until the other side closes the connection, for a minute at most.
    Hang,
    /// Resets the connection. Bytes that were not delivered yet are lost.
    Reset,
}

impl Step {
    /// Sends this text or these bytes as they are.
    pub fn send(bytes: impl Into<Bytes>) -> Self {
        Step::Send(bytes.into())
    }
}

/// Does the steps. An error means that the other side has closed the connection, and ends
/// the script.
pub(super) async fn play(mut stream: TcpStream, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
            step => {
                if perform(&mut stream, step).await.is_err() {
                    return;
                }
            }
        }
    }
    // With unread input, closing would reset the connection and lose what was just sent.
    if stream.shutdown().await.is_ok() {
        let _ = timeout(Duration::from_secs(1), read_to_end(&mut stream)).await;
    }
}

async fn perform(stream: &mut TcpStream, step: Step) -> std::io::Result<()> {
    match step {
        Step::Send(bytes) => stream.write_all(&bytes).await,
        Step::Trickle(bytes, pause) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                sleep(pause).await;
            }
            Ok(())
        }
        Step::Repeat(bytes) => {
            let forever = async {
                loop {
                    stream.write_all(&bytes).await?;
                }
            };
            timeout(MAX_STEP_TIME, forever).await.unwrap_or(Ok(()))
        }
        Step::Wait(pause) => {
            sleep(pause).await;
            Ok(())
        }
        Step::Hang => {
            let _ = timeout(MAX_STEP_TIME, read_to_end(stream)).await;
            Ok(())
        }
        Step::Reset => Ok(()),
    }
}

/// Reads until the other side closes the connection.
async fn read_to_end(stream: &mut TcpStream) {
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await.is_ok_and(|read| read > 0) {}
}

/// The script of a response that ends in the middle of its body.
pub(super) fn cut_body(response: http::Response<Bytes>) -> Vec<Step> {
    let (head, body) = response.into_parts();
    let length = body.len();
    let mut sent = format!("HTTP/1.1 {}\r\ncontent-length: {length}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        sent.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    sent.extend(b"\r\n");
    sent.extend(&body[..length / 2]);
    vec![Step::send(sent)]
}
