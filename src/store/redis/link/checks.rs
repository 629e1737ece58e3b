//! What has to work before Redis is used.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisResult, ServerErrorKind};
use tokio::time::timeout;

use super::failure::Failure;

/// Asks Redis for something. `None` if whoever added it is gone: it is then forgotten.
pub(crate) type Check =
    Arc<dyn Fn(MultiplexedConnection) -> Option<BoxFuture<'static, RedisResult<()>>> + Send + Sync>;

pub(super) struct Checks {
    timeout: Duration,
    list: Mutex<Vec<Check>>,
}

impl Checks {
    /// With a PING, so that something is asked also if nobody adds a check.
    pub(super) fn new(timeout: Duration) -> Self {
        let ping: Check = Arc::new(|connection| Some(Box::pin(ping(connection))));
        Checks { timeout, list: Mutex::new(vec![ping]) }
    }

    pub(super) fn add(&self, check: Check) {
        self.list().push(check);
    }

    fn list(&self) -> MutexGuard<'_, Vec<Check>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One after the other, each within the timeout of a command.
    pub(super) async fn pass(&self, connection: &MultiplexedConnection) -> Result<(), Failure> {
        let checks = self.list().clone();
        for check in checks {
            let Some(asking) = check(connection.clone()) else {
                self.list().retain(|other| !Arc::ptr_eq(other, &check));
                continue;
            };
            match timeout(self.timeout, asking).await {
                Ok(answer) => answer.map_err(Failure::Refused)?,
                Err(_) => return Err(Failure::TimedOut),
            }
        }
        Ok(())
    }
}

async fn ping(mut connection: MultiplexedConnection) -> RedisResult<()> {
    match redis::cmd("PING").exec_async(&mut connection).await {
        // Permission to ping is not needed for anything else.
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => Ok(()),
        answer => answer,
    }
}
