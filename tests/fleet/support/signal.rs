//! Signals for processes that a test has started.

use std::process::Command;

/// What a process can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It stands still until it is told to go on, and its connections stay open.
    Stop,
    /// It goes on.
    Continue,
    /// It is asked to end.
    Terminate,
}

/// Sends a signal. The shell has `kill` built in, so no other program has to be there.
///
/// # Panics
///
/// If the process is gone.
pub fn send(signal: Signal, process: u32) {
    let name = match signal {
        Signal::Stop => "STOP",
        Signal::Continue => "CONT",
        Signal::Terminate => "TERM",
    };
    let sent = Command::new("sh").arg("-c").arg(format!("kill -s {name} {process}")).status();
    assert!(sent.is_ok_and(|status| status.success()), "no SIG{name} to process {process}");
}
