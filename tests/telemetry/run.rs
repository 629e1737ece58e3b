//! Runs a test on its own thread, whose recorder or subscriber sees it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Builder;

/// Tests take turns: if a test without a subscriber is the first to come upon a span while
/// another one has its subscriber, `tracing` may remember that nobody wants this span.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the test when it is its turn.
pub fn run(test: impl Future<Output = ()>) {
    let _turn = turn();
    run_at_once(test);
}

/// Runs the test of a caller that has its [`turn`] already.
pub fn run_at_once(test: impl Future<Output = ()>) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// Like [`run`], with a clock that jumps to the time that a task waits for. Not for tests
/// with sockets.
pub fn run_with_paused_clock(test: impl Future<Output = ()>) {
    let _turn = turn();
    let mut runtime = Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(test);
}
