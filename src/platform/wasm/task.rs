//! There are no tasks on wasm. The work goes on only while its caller polls it.

pub(crate) async fn spawn_and_abort_on_drop<T>(work: impl Future<Output = T>) -> T {
    work.await
}
