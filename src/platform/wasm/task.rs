//! There are no tasks on wasm. The work goes on only while its caller polls it.

pub(crate) async fn spawn_and_abort_on_drop<T>(work: impl Future<Output = T>) -> T {
    work.await
}

/// If the returned future is dropped, the work ends here too.
#[cfg(feature = "cache")]
pub(crate) async fn spawn_detached<T>(work: impl Future<Output = T>) -> T {
    work.await
}

/// Nothing: what nobody waits for is not done here.
#[cfg(feature = "cache")]
pub(crate) fn spawn_in_background(_: impl Future<Output = ()>) {}
