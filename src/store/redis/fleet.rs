//! This process as one of a fleet: what it knows of the others, and how it asks Redis.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisError, RedisResult, Script, ScriptInvocation};
use ring::hmac;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use super::denials::{Denial, Telling, Untold};
use super::keys::Keys;
use super::link::{Failure, Link, Session};
use super::metrics;
use super::scripts::{BEAT, DENY, FORGET_ALL, LEAVE};
use super::value::Ticket;
use crate::model::credentials::PersonalAccessToken;
use crate::model::query::AskedBy;
use crate::platform::clock::Calendar;
use crate::store::patience::Patience;

/// How long a beat is good for. The link sends one each second; what is older is asked for
/// again before an answer is believed.
const BEAT_IS_GOOD_FOR: Duration = Duration::from_millis(1_500);

/// A process that sent no beat for this long does not count any more.
pub(super) const PROCESS_IS_GONE_AFTER: Duration = Duration::from_secs(15);

/// What is larger is no ticket, but damage: see `scripts/order.lua`.
const LARGEST_TICKET: u64 = 1 << 52;

/// One process of those that share a Redis, a namespace and a server.
pub(crate) struct Fleet {
    pub(super) link: Link,
    pub(super) keys: Keys,
    /// The name of this process. Random, so that no two have the same.
    pub(super) process: String,
    settings: Settings,
    beat: RwLock<Option<Beat>>,
    /// Held while a call asks for the time, so that a thousand that need it ask once.
    asks_for_time: AsyncMutex<()>,
    /// The highest ticket that this process has seen.
    seen: AtomicU64,
    /// Denials that Redis has not heard of.
    untold: Untold,
    processes: Mutex<Processes>,
    token_key: Mutex<hmac::Key>,
}

/// What the builder has set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(super) fallback_share: f64,
    /// How many replicas have to have a denial before it counts as known.
    pub(super) replicas: u32,
}

/// What a beat said.
#[derive(Debug, Clone, Copy)]
struct Beat {
    /// The time of the namespace.
    time: u64,
    /// When the order began. What was kept in an earlier one does not count.
    began: u64,
    /// Before it was asked for, by both clocks.
    asked: Instant,
    date: SystemTime,
}

/// How many processes there are: the most that one of the last beats has found. After an outage
/// the first one that is back finds itself alone.
#[derive(Debug, Default)]
struct Processes {
    most: u32,
    beats_since: u64,
}

impl Processes {
    fn saw(&mut self, processes: u32) {
        self.beats_since += 1;
        if processes >= self.most || self.beats_since > PROCESS_IS_GONE_AFTER.as_secs() {
            *self = Processes { most: processes, beats_since: 0 };
        }
    }
}

/// The time of the namespace, and when its order began, as good as this process knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) time: u64,
    pub(super) began: u64,
    /// The same by the two clocks of this process.
    pub(super) at: Instant,
    pub(super) date: SystemTime,
}

impl Fleet {
    /// One that asks, and says each second that it is there.
    pub(super) fn start(link: Link, keys: Keys, settings: Settings) -> Arc<Self> {
        let process = format!("{:016x}", fastrand::u64(..));
        let fleet = Arc::new(Fleet::new(link, keys, settings, process));
        let this = Arc::downgrade(&fleet);
        fleet.link.add_check(Arc::new(move |connection| {
            let fleet = Weak::upgrade(&this)?;
            Some(Box::pin(async move { fleet.check(connection).await }))
        }));
        // The first check comes with the next second. Until then nobody would know of this
        // process, nor this one of the others.
        if let Some(session) = fleet.link.session() {
            let this = Arc::downgrade(&fleet);
            fleet.link.spawn(async move {
                if let Some(fleet) = this.upgrade() {
                    let _: RedisResult<()> = fleet.beat(session.connection).await;
                }
            });
        }
        fleet
    }

    /// One that only looks on.
    pub(super) fn looking_on(link: Link, keys: Keys) -> Arc<Self> {
        let settings = Settings { fallback_share: 0.0, replicas: 0 };
        Arc::new(Fleet::new(link, keys, settings, String::new()))
    }

    fn new(link: Link, keys: Keys, settings: Settings, process: String) -> Self {
        Fleet {
            token_key: Mutex::new(keys.token_key("")),
            link,
            keys,
            process,
            settings,
            beat: RwLock::default(),
            asks_for_time: AsyncMutex::default(),
            seen: AtomicU64::new(0),
            untold: Untold::default(),
            processes: Mutex::default(),
        }
    }

    /// What all its keys begin with.
    #[cfg(test)]
    pub(crate) fn prefix(&self) -> &str {
        self.keys.prefix()
    }

    /// The access token that names of payment tokens are made with from now on, unless there
    /// is a secret for it.
    pub(crate) fn set_access_token(&self, token: &PersonalAccessToken) {
        *self.token_key.lock().unwrap_or_else(PoisonError::into_inner) =
            self.keys.token_key(token.as_str());
    }

    pub(super) fn token_key(&self) -> hmac::Key {
        self.token_key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long a call may wait for Redis.
    pub(crate) fn timeout(&self) -> Duration {
        self.link.timeout()
    }

    /// Which part of the limit this process keeps to while it cannot reach the others.
    pub(crate) fn share(&self) -> f64 {
        match self.processes.lock().unwrap_or_else(PoisonError::into_inner).most {
            0 => self.settings.fallback_share,
            processes => 1.0 / f64::from(processes),
        }
    }

    pub(super) fn replicas(&self) -> u32 {
        self.settings.replicas
    }

    /// How often Redis could not be used any more. What is kept meanwhile is of that outage.
    pub(super) fn outages(&self) -> u64 {
        self.link.outages()
    }

    /// The connection, if Redis can be used now and is not left out for the rest of this call.
    pub(super) fn session(&self, patience: &Patience) -> Option<Session> {
        if patience.is_over() {
            return None;
        }
        self.link.session()
    }

    /// What has to work before Redis is used.
    async fn check(&self, connection: MultiplexedConnection) -> RedisResult<()> {
        self.beat(connection.clone()).await?;
        self.tell_denials(connection).await
    }

    /// Tells Redis of the denials that it has not heard of.
    async fn tell_denials(&self, mut connection: MultiplexedConnection) -> RedisResult<()> {
        match self.untold.left() {
            Telling::Everything => {
                let last: u64 = self.script(&FORGET_ALL).invoke_async(&mut connection).await?;
                self.saw(last);
                self.untold.told_everything();
            }
            Telling::Denials(denials) => {
                for (arrival, denial) in denials {
                    let deny = self.deny_script(&denial);
                    let last: u64 = deny.invoke_async(&mut connection).await?;
                    self.saw(last);
                    self.untold.told(arrival, &denial.denied);
                }
            }
        }
        Ok(())
    }

    pub(super) fn deny_script(&self, denial: &Denial) -> ScriptInvocation<'static> {
        let mut deny = self.script(&DENY);
        deny.key(&denial.key).key(&denial.lease).arg(&denial.denied);
        deny
    }

    /// A denial has arrived. Says whether Redis has heard of it; if not, it will before it is
    /// used again. Has a time of its own, because a call that has none left must tell it too.
    pub(super) async fn deny(&self, denial: Denial) -> bool {
        let arrival = self.untold.add(denial.clone());
        let Some(mut session) = self.link.session() else { return false };
        let told: Option<u64> =
            self.run_while_waiting(&mut session, &self.deny_script(&denial)).await;
        let Some(last) = told else { return false };
        self.saw(last);
        self.untold.told(arrival, &denial.denied);
        true
    }

    /// The time, by what the last beat said. Asks again if that is too long ago.
    pub(super) async fn now(&self, session: &mut Session, patience: &Patience) -> Option<Now> {
        if let Some(now) = self.known_now() {
            return Some(now);
        }
        let asked = async {
            let _asks = self.asks_for_time.lock().await;
            match self.known_now() {
                Some(_) => Ok(()),
                None => self.beat(session.connection.clone()).await,
            }
        };
        self.in_time(session.number, patience, asked).await?;
        self.known_now()
    }

    #[cfg(test)]
    pub(super) fn forget_time(&self) {
        *self.beat.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known_now(&self) -> Option<Now> {
        let beat = (*self.beat.read().unwrap_or_else(PoisonError::into_inner))?;
        let (at, date) = (Instant::now(), Calendar::now());
        let by_date = date.duration_since(beat.date).unwrap_or_default();
        let since = at.saturating_duration_since(beat.asked).max(by_date);
        let microseconds = since.as_secs() * 1_000_000 + u64::from(since.subsec_micros());
        let now = Now { time: beat.time + microseconds, began: beat.began, at, date };
        (since < BEAT_IS_GOOD_FOR).then_some(now)
    }

    /// Tells Redis that this process is there, and learns the time.
    async fn beat(&self, mut connection: MultiplexedConnection) -> RedisResult<()> {
        let (asked, date) = (Instant::now(), Calendar::now());
        let mut invocation = self.script(&BEAT);
        invocation.key(self.keys.processes()).key(self.keys.switch());
        invocation.arg(&self.process).arg(PROCESS_IS_GONE_AFTER.as_micros() as u64);
        let (time, began, processes, off): (u64, u64, u32, bool) =
            invocation.invoke_async(&mut connection).await?;
        self.saw(time);
        self.processes.lock().unwrap_or_else(PoisonError::into_inner).saw(processes);
        metrics::processes(processes);
        let beat = Beat { time, began, asked, date };
        *self.beat.write().unwrap_or_else(PoisonError::into_inner) = Some(beat);
        if off {
            return Err(Failure::switched_off());
        }
        Ok(())
    }

    /// A script of the answers, which begins with the order.
    pub(super) fn script<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        let mut invocation = script.prepare_invoke();
        invocation.key(self.keys.order()).arg(self.seen.load(Relaxed));
        invocation
    }

    /// This ticket exists. If Redis does not know it later, Redis has lost something.
    pub(super) fn saw(&self, ticket: u64) {
        if ticket < LARGEST_TICKET {
            self.seen.fetch_max(ticket, Relaxed);
        }
    }

    /// A ticket that a script drew.
    pub(super) fn drawn(&self, number: u64, began: u64) -> Ticket {
        self.saw(number);
        Ticket { number, began }
    }

    /// Runs a script for a call. `None` if that fails: then Redis is not used until the link
    /// has reached it again.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        session: &mut Session,
        patience: &Patience,
        invocation: &ScriptInvocation<'_>,
    ) -> Option<T> {
        let number = session.number;
        self.in_time(number, patience, invocation.invoke_async(&mut session.connection)).await
    }

    /// Runs a script for something that is waited for anyway, such as a slot.
    pub(super) async fn run_while_waiting<T: FromRedisValue>(
        &self,
        session: &mut Session,
        invocation: &ScriptInvocation<'_>,
    ) -> Option<T> {
        self.run(session, &Patience::of(self.timeout()), invocation).await
    }

    /// The value of a key, if it is there and is text.
    #[inline]
    pub(super) async fn get(
        &self,
        session: &mut Session,
        patience: &Patience,
        now: Instant,
        key: &str,
    ) -> Option<Option<Vec<u8>>> {
        let number = session.number;
        let command = Cmd::get(key);
        let value = async {
            match command.query_async(&mut session.connection).await {
                Err(error) if is_wrong_type(&error) => Ok(None),
                value => value,
            }
        };
        // A hit needs no more patience, so the clock is not asked for it.
        let allowed = self.allowed(patience);
        let outcome = timeout_at(now + allowed, value).await;
        if !matches!(outcome, Ok(Ok(Some(_)))) {
            patience.spend(now.elapsed());
        }
        self.answered(number, patience, allowed, outcome)
    }

    /// How long the next look of a call may take. A Redis that answers each look, but is far
    /// away, is not given up before the last one.
    fn allowed(&self, patience: &Patience) -> Duration {
        patience.left().max(self.timeout() / 4)
    }

    pub(super) async fn in_time<T>(
        &self,
        session: u64,
        patience: &Patience,
        asked: impl Future<Output = RedisResult<T>>,
    ) -> Option<T> {
        let began = Instant::now();
        let allowed = self.allowed(patience);
        let outcome = timeout_at(began + allowed, asked).await;
        patience.spend(began.elapsed());
        self.answered(session, patience, allowed, outcome)
    }

    /// What Redis answered. Tells the link if it did not, or refused. One that had little time
    /// left says nothing about Redis.
    #[inline]
    fn answered<T>(
        &self,
        session: u64,
        patience: &Patience,
        allowed: Duration,
        outcome: Result<RedisResult<T>, Elapsed>,
    ) -> Option<T> {
        let failure = match outcome {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => Failure::Refused(error),
            Err(_) => Failure::TimedOut,
        };
        patience.end();
        if matches!(failure, Failure::TimedOut) && allowed < self.timeout() / 2 {
            return None;
        }
        metrics::failure(matches!(failure, Failure::TimedOut));
        self.link.failed(session, failure);
        None
    }
}

/// Whether somebody has put something else there. Then it is as if nothing were there.
fn is_wrong_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
}

/// Says goodbye, so that nobody waits for this process.
impl Drop for Fleet {
    fn drop(&mut self) {
        if self.process.is_empty() {
            return;
        }
        let Some(mut session) = self.link.session() else { return };
        let link = self.link.clone();
        let mut goodbye = redis::pipe();
        goodbye.cmd("ZREM").arg(self.keys.processes()).arg(&self.process).ignore();
        let limits = [AskedBy::User, AskedBy::Token].map(|asked_by| self.keys.limit(asked_by));
        let process = self.process.clone();
        self.link.spawn(async move {
            let _: RedisResult<()> = goodbye.query_async(&mut session.connection).await;
            for keys in limits {
                let mut leave = LEAVE.prepare_invoke();
                leave.key(keys.queue).key(keys.batches).key(keys.back).key(keys.waiting);
                let _: RedisResult<()> =
                    leave.arg(&process).invoke_async(&mut session.connection).await;
            }
            // The thread goes on until here.
            drop(link);
        });
    }
}
