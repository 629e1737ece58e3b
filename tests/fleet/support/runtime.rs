//! The runtime of the servers that run inside the test's own process.

use std::sync::{OnceLock, mpsc};

use tokio::runtime::{Builder, Runtime};

/// Shared by all servers, and by no test: a test that blocks its own runtime must not
/// stop the network.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).thread_name("fleet").enable_all();
        builder.build().expect("the runtime of the test's servers starts")
    })
}

/// Runs a future there and waits for its result. It also works inside another runtime.
pub(crate) fn run<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    runtime().spawn(async move { sender.send(future.await) });
    receiver.recv().expect("the future did not panic")
}

/// Runs a future there in the background.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> tokio::task::AbortHandle {
    runtime().spawn(future).abort_handle()
}
