//! Work where there are no tasks: it goes on while somebody waits for it.

pub(crate) async fn apart<T>(work: impl Future<Output = T>) -> T {
    work.await
}
