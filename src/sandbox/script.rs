//! Faults, byte by byte: what a scripted server does to a connection once HTTP
//! has been taken off it.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// No step keeps a connection for longer, so that a test that forgot it ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// One thing done to a connection. After the last one it is closed in good
/// order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Sends these bytes as they are.
    Send(Bytes),
    /// Sends these bytes one at a time, with a pause after each.
    Trickle(Bytes, Duration),
    /// Sends these bytes again and again until the other side is gone, for a
    /// minute at most.
    Repeat(Bytes),
    /// Does nothing for this long.
    Wait(Duration),
    /// Does nothing until the other side is gone, for a minute at most.
    Hang,
    /// Resets the connection; what was not delivered yet is lost.
    Reset,
}

impl Step {
    /// Sends this text or these bytes as they are.
    pub fn send(bytes: impl Into<Bytes>) -> Self {
        Step::Send(bytes.into())
    }
}

/// Plays the steps; an error means that the other side is gone, which ends them.
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
    // Closing with unread input would reset what was just sent.
    if stream.shutdown().await.is_ok() {
        let _ = timeout(Duration::from_secs(1), gone(&mut stream)).await;
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
            timeout(PATIENCE, forever).await.unwrap_or(Ok(()))
        }
        Step::Wait(pause) => {
            sleep(pause).await;
            Ok(())
        }
        Step::Hang => {
            let _ = timeout(PATIENCE, gone(stream)).await;
            Ok(())
        }
        Step::Reset => Ok(()),
    }
}

/// Reads until the other side closes.
async fn gone(stream: &mut TcpStream) {
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await.is_ok_and(|read| read > 0) {}
}

/// An answer that breaks off in the middle of its body.
pub(super) fn cut(response: http::Response<Bytes>) -> Vec<Step> {
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
