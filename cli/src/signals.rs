//! The signals that ask the program to end.

use std::io;

use crate::exit::Exit;

/// Listens from now on for Ctrl-C and SIGTERM. The future ends with the exit code of the one
/// that came.
#[cfg(unix)]
pub fn listen() -> io::Result<impl Future<Output = Exit>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        }
    })
}

/// Listens from now on for Ctrl-C; there is no SIGTERM here.
#[cfg(windows)]
pub fn listen() -> io::Result<impl Future<Output = Exit>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
        Exit::Interrupted
    })
}
