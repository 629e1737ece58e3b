//! Waiting for something that has to happen.

use std::thread;
use std::time::{Duration, Instant};

/// Looks again and again until `found` gives something, and gives that with the time it
/// took.
///
/// # Panics
///
/// If nothing is found within `limit`.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut found: impl FnMut() -> Option<T>,
) -> (T, Duration) {
    let begin = Instant::now();
    loop {
        if let Some(it) = found() {
            return (it, begin.elapsed());
        }
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Like [`until`], for something that is or is not so.
pub fn until_so(what: &str, limit: Duration, mut so: impl FnMut() -> bool) -> Duration {
    until(what, limit, || so().then_some(())).1
}
