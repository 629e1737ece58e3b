//! What an operator asks of a fleet, and tells it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult};
use tokio::time::timeout;

use super::fleet::{Fleet, PROCESS_IS_GONE_AFTER};
use super::scripts::{DENY, FORGET_ALL};
use crate::error::{Error, ErrorKind};
use crate::model::ids::UserId;
use crate::model::query::AskedBy;
use crate::model::resource::Resource;
use crate::store::question::Subject;

/// How long an operator waits for Redis.
const PATIENCE: Duration = Duration::from_secs(5);

/// Until every process has heard of what an operator did: see how long a beat is good for.
const EVERYBODY_KNOWS_AFTER: Duration = Duration::from_secs(2);

/// How long sharing stays off, if nobody turns it on again.
const OFF_FOR_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// How many keys are looked at in one step while answers are counted.
const STEP: usize = 1_000;

/// What an operator needs of the processes that share; made by
/// [`RedisStore::operator`](crate::RedisStore::operator). It is none of them, and takes no
/// part in the limit.
#[derive(Clone)]
pub struct FleetOperator {
    fleet: Arc<Fleet>,
}

impl std::fmt::Debug for FleetOperator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FleetOperator").finish_non_exhaustive()
    }
}

/// What [`FleetOperator::status`] found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FleetStatus {
    /// Processes that have said within the last 15 seconds that they are there.
    pub processes: u32,
    /// Whether the processes share. See [`FleetOperator::set_sharing`].
    pub sharing: bool,
    /// Answers that are kept.
    pub answers: u64,
    /// The limit for questions by user.
    pub by_user: LimitStatus,
    /// The limit for questions by payment token.
    pub by_token: LimitStatus,
}

/// How one of the two limits stands.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LimitStatus {
    /// The smallest limit that processes have set, in requests a minute. `None` if none has.
    pub set: Option<u32>,
    /// The limit in force: lower than the one that is set after a 429.
    pub in_force: Option<f64>,
    /// How much longer a 429 holds all processes back.
    pub pause: Option<Duration>,
    /// Callers that wait for a slot.
    pub waiting: u32,
    /// Requests in the last minute, or a little more: since the last full minute but one.
    pub last_minute: u32,
}

impl FleetOperator {
    pub(super) fn new(fleet: Arc<Fleet>) -> Self {
        FleetOperator { fleet }
    }

    /// What the processes do now. Goes through the keys of Redis in small steps to count the
    /// answers.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if Redis cannot be used.
    pub async fn status(&self) -> Result<FleetStatus, Error> {
        let keys = &self.fleet.keys;
        let mut first = redis::pipe();
        first.cmd("EXISTS").arg(keys.switch());
        first.cmd("TIME");
        first.cmd("ZSCORE").arg(keys.order()).arg("~");
        let (off, time, added): (bool, (u64, u64), Option<f64>) = self.ask(first).await?;
        Ok(FleetStatus {
            processes: self.processes(time, added.unwrap_or_default()).await?,
            sharing: !off,
            answers: self.answers().await?,
            by_user: self.limit(AskedBy::User).await?,
            by_token: self.limit(AskedBy::Token).await?,
        })
    }

    /// Those that live. Nobody removes the others once all are gone.
    async fn processes(
        &self,
        (seconds, microseconds): (u64, u64),
        added: f64,
    ) -> Result<u32, Error> {
        let now = (seconds * 1_000_000 + microseconds) as f64 + added;
        let mut count = redis::pipe();
        count.cmd("ZCOUNT").arg(self.fleet.keys.processes());
        count.arg(now - PROCESS_IS_GONE_AFTER.as_micros() as f64).arg("+inf");
        let (processes,): (u32,) = self.ask(count).await?;
        Ok(processes)
    }

    async fn answers(&self) -> Result<u64, Error> {
        let pattern = self.fleet.keys.pattern_of_answers();
        let (mut cursor, mut answers) = (String::from("0"), 0);
        loop {
            let mut scan = redis::pipe();
            scan.cmd("SCAN").arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
            let ((next, found),): ((String, Vec<String>),) = self.ask(scan).await?;
            answers += found.len() as u64;
            if next == "0" {
                return Ok(answers);
            }
            cursor = next;
        }
    }

    async fn limit(&self, asked_by: AskedBy) -> Result<LimitStatus, Error> {
        let keys = self.fleet.keys.limit(asked_by);
        let mut questions = redis::pipe();
        questions.cmd("HGETALL").arg(&keys.limit);
        questions.cmd("HMGET").arg(&keys.waiting).arg("calls").arg("batches");
        questions.cmd("TIME");
        type Answers = (HashMap<String, String>, Waiting, (u64, u64));
        let (limit, waiting, (seconds, microseconds)): Answers = self.ask(questions).await?;
        Ok(limit_status(&limit, waiting, seconds * 1_000_000 + microseconds))
    }

    /// Forgets the answer about this user and resource in all processes: after a refund, for
    /// instance. What is under way is not kept.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if Redis cannot be used.
    pub async fn forget(&self, user: &UserId, resource: &Resource) -> Result<(), Error> {
        let keys = &self.fleet.keys;
        let subject = Subject { user: user.clone(), resource: resource.clone() };
        let name = keys.subject(&subject);
        let mut deny = self.fleet.script(&DENY);
        deny.key(keys.answer(&name)).key(keys.lease(&name)).arg(format!("s:{name}"));
        let mut connection = self.connection()?;
        let _: u64 = in_time(deny.invoke_async(&mut connection)).await?;
        Ok(())
    }

    /// Forgets all answers in all processes. Do this after a backup of Redis was restored.
    /// Waits two seconds, until every process has heard of it.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if Redis cannot be used.
    pub async fn forget_all(&self) -> Result<(), Error> {
        let mut connection = self.connection()?;
        let forget = self.fleet.script(&FORGET_ALL);
        let _: u64 = in_time(forget.invoke_async(&mut connection)).await?;
        tokio::time::sleep(EVERYBODY_KNOWS_AFTER).await;
        Ok(())
    }

    /// Turns sharing off in all processes, or on again, within two seconds: for when one of
    /// them writes what is wrong. While it is off, each goes on alone, as in an outage of
    /// Redis. It stays off for 30 days at most.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if Redis cannot be used.
    pub async fn set_sharing(&self, on: bool) -> Result<(), Error> {
        let switch = self.fleet.keys.switch();
        let mut set = redis::pipe();
        match on {
            true => set.cmd("DEL").arg(switch).ignore(),
            false => set.cmd("SET").arg(switch).arg(1).arg("PX").arg(OFF_FOR_MS).ignore(),
        };
        self.ask::<()>(set).await?;
        tokio::time::sleep(EVERYBODY_KNOWS_AFTER).await;
        Ok(())
    }

    async fn ask<T: FromRedisValue>(&self, questions: redis::Pipeline) -> Result<T, Error> {
        let mut connection = self.connection()?;
        in_time(questions.query_async(&mut connection)).await
    }

    /// The connection, also while sharing is switched off.
    fn connection(&self) -> Result<MultiplexedConnection, Error> {
        self.fleet.link.last_connection().ok_or_else(|| {
            let why = self.fleet.link.last_failure();
            failed(why.as_deref().unwrap_or("there is no connection"))
        })
    }
}

async fn in_time<T>(asked: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed(&super::link::Failure::Refused(error).to_string())),
        Err(_) => Err(failed("it did not answer within 5 s")),
    }
}

fn failed(why: &str) -> Error {
    Error::new(ErrorKind::Store, format!("Redis cannot be used: {why}"))
        .with(|details| details.may_have_arrived = false)
}

/// Calls and batches that wait.
type Waiting = (Option<i64>, Option<i64>);

/// What the fields of a limit mean now, in microseconds. `scripts/limit/` writes them.
fn limit_status(
    limit: &HashMap<String, String>,
    (calls, batches): Waiting,
    now: u64,
) -> LimitStatus {
    const MINUTE: u64 = 60_000_000;
    let number = |field: &str| limit.get(field)?.parse::<f64>().ok();
    let rates = limit.get("rates").map_or("", String::as_str);
    let set = rates.split(';').filter_map(|rate| rate.split(' ').next()?.parse().ok()).min();
    let pause = number("pause_until").map(|until| until - now as f64).filter(|left| *left > 0.0);
    let minute = (now / MINUTE) as f64;
    let requests = |field| number(field).unwrap_or_default() as u32;
    let last_minute = match number("minute") {
        Some(counted) if counted == minute => requests("calls") + requests("calls_before"),
        Some(counted) if counted + 1.0 == minute => requests("calls"),
        _ => 0,
    };
    LimitStatus {
        set,
        in_force: number("rate").map(|rate| rate * MINUTE as f64),
        pause: pause.map(|left| Duration::from_micros(left as u64)),
        waiting: u32::try_from(calls.unwrap_or(0) + batches.unwrap_or(0)).unwrap_or(0),
        last_minute,
    }
}
