//! Work where there are no tasks: it goes on while somebody waits for it.

pub(crate) async fn spawn_and_abort_on_drop<T>(work: impl Future<Output = T>) -> T {
    work.await
}
