//! The right to ask a question, which one process in the fleet has. It ends after three
//! seconds, unless it is kept.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::fleet::Fleet;
use super::link::Link;
use super::scripts::{EXTEND, RELEASE};
use crate::store::answer::Settled;

/// How long a lease holds without being kept.
pub(super) const LEASE_MS: u64 = 3_000;

const KEPT_EVERY: Duration = Duration::from_secs(1);

/// How often it is tried to give a lease back in an outage.
const RELEASED_EVERY: Duration = Duration::from_millis(50);

/// What became of the wish to ask.
pub(crate) enum SharedLease {
    /// This process may ask. `None` if it cannot reach the others.
    Held(Option<HeldLease>),
    /// Another process asked, and this is the answer.
    Answered(Settled),
    /// Another process asks, and has no answer before the deadline.
    TooLate,
}

/// A lease that this process holds. It is given back when this is dropped.
pub(crate) struct HeldLease {
    fleet: Arc<Fleet>,
    pub(super) key: String,
    pub(super) nonce: String,
}

impl HeldLease {
    pub(super) fn new(fleet: Arc<Fleet>, key: String, nonce: String) -> Self {
        HeldLease { fleet, key, nonce }
    }

    pub(crate) async fn kept_during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match timeout_at(Instant::now() + KEPT_EVERY, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.extend(),
            }
        }
    }

    fn extend(&self) {
        let Some(mut session) = self.fleet.link.session() else { return };
        let (key, nonce) = (self.key.clone(), self.nonce.clone());
        self.fleet.link.spawn(async move {
            let mut extend = EXTEND.key(key);
            let _: RedisResult<()> =
                extend.arg(nonce).arg(LEASE_MS).invoke_async(&mut session.connection).await;
        });
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        let link = self.fleet.link.clone();
        let (key, nonce) = (std::mem::take(&mut self.key), std::mem::take(&mut self.nonce));
        self.fleet.link.spawn(async move { release(&link, &key, &nonce).await });
    }
}

/// Gives a lease back, also after a short outage: others would wait for a process that has
/// asked Figma on its own long ago.
async fn release(link: &Link, key: &str, nonce: &str) {
    let ends = Instant::now() + Duration::from_millis(LEASE_MS);
    while Instant::now() < ends {
        if let Some(mut session) = link.session() {
            let mut release = RELEASE.key(key);
            let released = release.arg(nonce).invoke_async::<()>(&mut session.connection);
            if let Ok(Ok(())) = timeout(link.timeout(), released).await {
                return;
            }
        }
        sleep(RELEASED_EVERY).await;
    }
}
