//! What callers see of the link: the session, if there is one, and what happened to it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};

use redis::aio::MultiplexedConnection;
use tracing::{info, warn};

use crate::store::redis::metrics;

/// What users filter by. It is not the module's path, so that it stays when a file moves.
const TARGET: &str = "figma_payments::store";

/// A time in which Redis can be used.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) connection: MultiplexedConnection,
    /// Another one after each outage, also on the same connection.
    pub(crate) number: u64,
}

#[derive(Default)]
pub(super) struct State {
    session: RwLock<Option<Session>>,
    /// Also in an outage, and perhaps broken.
    connection: RwLock<Option<MultiplexedConnection>>,
    sessions: AtomicU64,
    not_shared: AtomicBool,
    outages: AtomicU64,
    last_failure: Mutex<Option<String>>,
}

impl State {
    pub(super) fn session(&self) -> Option<Session> {
        if self.not_shared.load(Relaxed) {
            return None;
        }
        self.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn last_connection(&self) -> Option<MultiplexedConnection> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_sharing(&self, on: bool) {
        if !on && !self.not_shared.load(Relaxed) {
            self.outages.fetch_add(1, Relaxed);
        }
        self.not_shared.store(!on, Relaxed);
    }

    pub(super) fn outages(&self) -> u64 {
        self.outages.load(Relaxed)
    }

    pub(super) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_last_failure(&self, reason: String) {
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Redis can be used from now on, over this connection.
    pub(super) fn begin(&self, connection: MultiplexedConnection) -> u64 {
        let number = self.sessions.fetch_add(1, Relaxed) + 1;
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(connection.clone());
        let session = Session { connection, number };
        let before = self.session.write().unwrap_or_else(PoisonError::into_inner).replace(session);
        metrics::in_use(true);
        if before.is_none() && self.outages() > 0 {
            info!(target: TARGET, "Redis is used again");
        }
        number
    }

    /// Redis cannot be used any more. Says whether this is news: nothing happens if
    /// another session began since, or if this one has ended already.
    pub(super) fn end(&self, number: u64, reason: impl ToString) -> bool {
        let mut session = self.session.write().unwrap_or_else(PoisonError::into_inner);
        if session.as_ref().is_none_or(|session| session.number != number) {
            return false;
        }
        // Before the session goes: what is kept without one is of this outage.
        self.outages.fetch_add(1, Relaxed);
        *session = None;
        drop(session);
        self.say(reason.to_string());
        true
    }

    /// Redis cannot be used: it was not there to begin with, or not any more.
    pub(super) fn outage(&self, reason: String) {
        self.outages.fetch_add(1, Relaxed);
        self.say(reason);
    }

    fn say(&self, reason: String) {
        metrics::in_use(false);
        warn!(target: TARGET, reason, "Redis cannot be used; this process goes on alone until it can");
        self.set_last_failure(reason);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use redis::RedisConnectionInfo;

    use super::*;

    /// To nobody.
    async fn connection() -> MultiplexedConnection {
        let (stream, _) = tokio::io::duplex(64);
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        MultiplexedConnection::new(&info, stream).await.unwrap().0
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_outage_is_two_events() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let state = State::default();
        let lines = || {
            let bytes = std::mem::take(&mut *log.0.lock().unwrap());
            String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(state.begin(connection().await), 1);
        assert_eq!(state.begin(connection().await), 2);
        assert!(!state.end(1, "late"));
        assert_eq!((lines().len(), state.outages()), (0, 0));

        assert!(state.end(2, "why") && !state.end(2, "once more"));
        let [line] = &lines()[..] else { panic!() };
        assert!(line.contains("WARN") && line.contains("figma_payments::store"), "{line}");
        assert!(line.contains("cannot be used") && line.contains("reason=\"why\""), "{line}");
        assert_eq!((state.last_failure().as_deref(), state.outages()), (Some("why"), 1));

        assert_eq!(state.begin(connection().await), 3);
        let [line] = &lines()[..] else { panic!() };
        assert!(line.contains("INFO") && line.contains("Redis is used again"), "{line}");
    }
}
