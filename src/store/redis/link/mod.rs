//! The connection to Redis. A thread of its own reads and writes for it, so that no
//! runtime of the user's has to be polled for that, and a supervisor on this thread gets
//! the connection back after any outage.
//!
//! Not the crate's `ConnectionManager`: it does not come back from READONLY, timeouts, or
//! a user that was missing for a while, and commands wait in it during an outage. Not its
//! clients for Cluster and Sentinel: all our keys are in one slot, so one connection to
//! the right node is enough. Not its TLS, which takes the crypto provider of the process.

pub(crate) mod address;
mod checks;
mod connect;
mod failure;
mod state;
mod supervisor;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};

use self::address::LinkSettings;
pub(crate) use self::checks::Check;
use self::checks::Checks;
use self::connect::Connector;
pub(crate) use self::failure::Failure;
pub(crate) use self::state::Session;
use self::state::State;
use self::supervisor::Supervisor;
use crate::error::Error;

/// Cheap to clone. The thread ends when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Link(Arc<Shared>);

struct Shared {
    state: Arc<State>,
    checks: Arc<Checks>,
    timeout: Duration,
    ended: mpsc::UnboundedSender<(u64, Failure)>,
    runtime: Handle,
    /// Dropped with the last clone; the thread waits for that.
    _dropped: oneshot::Sender<()>,
}

impl Link {
    /// Starts the thread, and waits for the first connection, which has to pass these checks.
    /// In a cluster they lead it to the node that has the slot. A Redis that cannot be
    /// reached is no error.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if Redis refuses the login, the
    /// database or the name of Sentinel's master, or if TLS cannot be set up.
    pub(crate) async fn start(
        settings: LinkSettings,
        first_checks: impl IntoIterator<Item = Check>,
    ) -> Result<Link, Error> {
        let (timeout, max_age) = (settings.timeout, settings.max_age);
        let connector = Connector::new(settings)?;
        let state = Arc::new(State::default());
        let checks = Arc::new(Checks::new(timeout));
        first_checks.into_iter().for_each(|check| checks.add(check));
        let (ended, receive_ended) = mpsc::unbounded_channel();
        let (send_started, started) = oneshot::channel();
        let (_dropped, dropped) = oneshot::channel();
        let supervisor = Supervisor {
            connector,
            checks: Arc::clone(&checks),
            state: Arc::clone(&state),
            max_age,
            ended: receive_ended,
        };
        let runtime = run(async {
            tokio::select! {
                () = supervisor.run(send_started) => {}
                _ = dropped => {}
            }
        })
        .await
        .map_err(|error| {
            Error::configuration(format!("the thread for Redis cannot be started: {error}"))
        })?;
        let link = Link(Arc::new(Shared { state, checks, timeout, ended, runtime, _dropped }));
        started.await.unwrap_or_else(|_| {
            Err(Error::configuration("the thread for Redis has ended before it was connected"))
        })?;
        Ok(link)
    }

    /// The session, if Redis can be used now.
    pub(crate) fn session(&self) -> Option<Session> {
        self.0.state.session()
    }

    /// The last connection, also in an outage: for what may work all the same. It may be
    /// broken.
    pub(crate) fn last_connection(&self) -> Option<MultiplexedConnection> {
        self.0.state.last_connection()
    }

    /// A command of this session failed. From now on there is none, until the supervisor
    /// has reached Redis again. Nothing happens if it is not the present session's number.
    pub(crate) fn failed(&self, session: u64, failure: Failure) {
        if self.0.state.end(session, &failure) {
            let _ = self.0.ended.send((session, failure));
        }
    }

    /// Adds what has to work before Redis is used: after connecting, after a failure, and
    /// each second. It should write, to find a server that does not take writes.
    pub(crate) fn add_check(&self, check: Check) {
        self.0.checks.add(check);
    }

    /// How often there was no session any more, or none at the start.
    pub(crate) fn outages(&self) -> u64 {
        self.0.state.outages()
    }

    /// Off: there is no session until it is on again. The connection is kept.
    pub(crate) fn set_sharing(&self, on: bool) {
        self.0.state.set_sharing(on);
    }

    /// The longest time for one command.
    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Why Redis could not be used the last time, without secrets.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.0.state.last_failure()
    }

    /// Runs this on the link's thread. It keeps the thread alive as long as it owns a link.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.runtime.spawn(work);
    }
}

/// Runs the work on a runtime and thread of its own, and stops all that is on it then.
async fn run(work: impl Future<Output = ()> + Send + 'static) -> io::Result<Handle> {
    let (send, handle) = oneshot::channel();
    std::thread::Builder::new().name("figma-payments-redis".to_owned()).spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(send.send(Err(error))),
        };
        let _ = send.send(Ok(runtime.handle().clone()));
        runtime.block_on(work);
        // A host name may still be looked up, and nobody waits for it.
        runtime.shutdown_background();
    })?;
    handle.await.unwrap_or_else(|ended| Err(io::Error::other(ended)))
}
