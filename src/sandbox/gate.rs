//! A gate, which holds replies until a test opens it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

/// Holds [replies](super::Reply::behind) until it is opened. So a test can decide what
/// happens before a reply, without any sleep. Clones are the same gate.
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

    /// Opens the gate for all replies that it holds, and for all later ones.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is open.
    pub(super) async fn opened(&self) {
        // It fails only if all senders are dropped, and `self` is a sender.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
