//! Runs work in tasks, so that it goes on while its caller does not poll it.

use std::future::pending;
use std::panic::resume_unwind;

use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

/// Runs the work in a new task. If the returned future is dropped, the task is aborted.
pub(crate) async fn spawn_and_abort_on_drop<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    struct Abort<T>(JoinHandle<T>);

    impl<T> Drop for Abort<T> {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    let mut task = Abort(spawn(work));
    output((&mut task.0).await).await
}

/// Runs the work in a new task. If the returned future is dropped, the task goes on to
/// its end.
#[cfg(feature = "cache")]
pub(crate) async fn spawn_detached<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    output(spawn(work).await).await
}

/// Runs the work in a new task, if there is a runtime that can. The caller does not wait.
#[cfg(feature = "cache")]
pub(crate) fn spawn_in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work.with_current_subscriber());
    }
}

fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work.in_current_span().with_current_subscriber())
}

async fn output<T>(ended: Result<T, JoinError>) -> T {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(output) => output,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime of the task was shut down. There is no result, so a caller in
        // another runtime waits until its own timeout.
        Err(Err(_)) => pending().await,
    }
}
