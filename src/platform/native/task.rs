//! Work that goes on while whoever waits for it is busy with something else.
//! `wasm/task.rs` has the same names.

use std::future::pending;
use std::panic::resume_unwind;

use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

/// Does it in a task of its own, which ends when nobody waits for it any more.
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

/// Does it in a task of its own, to the end, whoever waits for it.
#[cfg(feature = "cache")]
pub(crate) async fn spawn_detached<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    output(spawn(work).await).await
}

fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work.in_current_span().with_current_subscriber())
}

async fn output<T>(ended: Result<T, JoinError>) -> T {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(output) => output,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime of the task is shut down. Whoever waits on another one waits until
        // its own caller gives up.
        Err(Err(_)) => pending().await,
    }
}
