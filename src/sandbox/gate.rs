//! A gate: what holds replies until a test opens it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

/// Holds [replies](super::Reply::behind) until it is opened, so that a test
/// decides what happens before an answer, and needs no sleep for it. Clones are
/// the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("open", &*self.0.borrow()).finish()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Gate::default()
    }

    /// Lets through everything that is held, and all that comes later: it stays
    /// open.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is open.
    pub(super) async fn opened(&self) {
        // It fails when there is no sender left, and this is one.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
