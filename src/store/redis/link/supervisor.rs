//! Keeps the session: checks it each second, asks again after a failure, and makes
//! another connection where only that helps.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::address::Address;
use super::checks::Checks;
use super::connect::{ConnectError, Connector, Wire};
use super::failure::Failure;
use super::state::State;
use crate::error::Error;

const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before Redis is asked again on the same connection.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// How long to wait before connecting, the first time; it doubles up to the longest.
const BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
/// How long commands that are under way on a replaced connection have to finish.
const GRACE: Duration = Duration::from_secs(10);

pub(super) struct Supervisor {
    pub(super) connector: Connector,
    pub(super) checks: Arc<Checks>,
    pub(super) state: Arc<State>,
    pub(super) max_age: Duration,
    /// The sessions that callers have ended, by number.
    pub(super) ended: mpsc::UnboundedReceiver<(u64, Failure)>,
}

/// The connection in use.
struct Current {
    wire: Wire,
    /// Of the session that was begun last.
    number: u64,
    since: Instant,
    replace_at: Instant,
}

impl Supervisor {
    /// Runs until it is dropped, or until Redis refuses the settings at the start.
    pub(super) async fn run(mut self, started: oneshot::Sender<Result<(), Error>>) {
        let mut current = match self.connector.connect(None, &self.checks).await {
            Ok(wire) => Some(self.begin(wire)),
            Err(ConnectError::Settings(text)) => {
                let _ = started.send(Err(Error::configuration(text)));
                return;
            }
            Err(error) => {
                self.state.outage(error.to_string());
                None
            }
        };
        let _ = started.send(Ok(()));
        let (mut moved_to, mut backoff) = (None, BACKOFF);
        loop {
            let mut used = match current.take() {
                Some(current) => current,
                None => {
                    let wire = self.reconnect(moved_to, backoff).await;
                    self.begin(wire)
                }
            };
            moved_to = self.watch(&mut used).await;
            let ended_soon = moved_to.is_none() && used.since.elapsed() < CHECK_EVERY;
            backoff = if ended_soon { CHECK_EVERY } else { BACKOFF };
        }
    }

    fn begin(&self, wire: Wire) -> Current {
        let number = self.state.begin(wire.connection.clone());
        let replace_at = Instant::now() + self.max_age.mul_f64(0.8 + 0.4 * fastrand::f64());
        Current { wire, number, since: Instant::now(), replace_at }
    }

    /// Keeps the session, or gets it back, until its connection is of no more use. Returns
    /// the node of the cluster to go to, if a node said so.
    async fn watch(&mut self, current: &mut Current) -> Option<Address> {
        let mut failures = 0;
        let mut pause = CHECK_EVERY;
        loop {
            let failure = tokio::select! {
                _ = &mut current.wire.driver => Some(Failure::closed()),
                Some((number, failure)) = self.ended.recv() => {
                    if number != current.number {
                        continue;
                    }
                    Some(failure)
                }
                () = sleep(pause) => self.checks.pass(&current.wire.connection).await.err(),
                () = sleep_until(current.replace_at), if failures == 0 => {
                    self.replace(current).await;
                    continue;
                }
            };
            let Some(failure) = failure else {
                if failures > 0 {
                    current.number = self.state.begin(current.wire.connection.clone());
                    current.since = Instant::now();
                }
                (failures, pause) = (0, CHECK_EVERY);
                continue;
            };
            if !self.state.end(current.number, &failure) {
                self.state.set_last_failure(failure.to_string());
            }
            failures += 1;
            if failure.asks_for_another_connection(failures) || Instant::now() > current.replace_at
            {
                return failure.moved_to(&current.wire.address);
            }
            // At once, unless sessions end as soon as they begin: each costs callers time.
            let at_once = failures == 1 && current.since.elapsed() > CHECK_EVERY;
            pause = if at_once { Duration::ZERO } else { between(ASK_AGAIN[0], ASK_AGAIN[1]) };
        }
    }

    /// Makes a connection beside the one in use, and goes over to it.
    async fn replace(&self, current: &mut Current) {
        match self.connector.connect(None, &self.checks).await {
            Ok(wire) => {
                let old = std::mem::replace(current, self.begin(wire));
                tokio::spawn(async move {
                    sleep(GRACE).await;
                    drop(old);
                });
            }
            Err(_) => current.replace_at = Instant::now() + self.max_age / 10,
        }
    }

    async fn reconnect(&self, mut moved_to: Option<Address>, mut backoff: Duration) -> Wire {
        loop {
            // Not all processes of a fleet at the same time.
            sleep(between(backoff / 2, backoff)).await;
            match self.connector.connect(moved_to.take().as_ref(), &self.checks).await {
                Ok(wire) => return wire,
                Err(error) => self.state.set_last_failure(error.to_string()),
            }
            backoff = LONGEST_BACKOFF.min(backoff * 2);
        }
    }
}

fn between(least: Duration, most: Duration) -> Duration {
    least + (most - least).mul_f64(fastrand::f64())
}
