//! The rate limit that several processes share. `scripts/limit/` decides; here it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use redis::{FromRedisValue, RedisResult, Value, from_redis_value};
use tokio::time::Instant;

use super::fleet::Fleet;
use super::keys::LimitKeys;
use super::metrics;
use super::scripts::{IDLE, LEAVE, PASSED, TAKE, TOO_MANY_REQUESTS};
use crate::model::query::AskedBy;

/// How far ahead of its time a slot is granted, and how late a process may come back for one:
/// so much, and a multiple of its own round trip.
const LOOK_AHEAD: Duration = Duration::from_millis(20);
const MAY_BE_LATE: Duration = Duration::from_millis(50);

/// The limit of one way of asking.
pub(crate) struct SharedLimit {
    fleet: Arc<Fleet>,
    keys: LimitKeys,
    /// The round trip to Redis, as a moving average.
    round_trip_us: AtomicU64,
}

/// Who asks for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Batch,
}

/// A request for a slot, of the first caller in this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotRequest {
    pub(crate) kind: Kind,
    /// The same slot is asked for with the same number.
    pub(crate) nonce: u64,
    pub(crate) waited: Duration,
    /// The limit that this process sets. 0 for none.
    pub(crate) per_minute: u32,
    pub(crate) burst: u32,
    /// Callers of this kind in this process, with the first.
    pub(crate) callers: usize,
    /// Slots that this process has used while it could not reach the others.
    pub(crate) used: u32,
}

/// What Redis says about a slot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SlotReply {
    /// The slot is granted, and is free after `wait`. Otherwise: ask again then.
    pub(crate) granted: bool,
    pub(crate) wait: Duration,
    /// Until the slot of the one who asked, by what is known now.
    pub(crate) own_slot: Duration,
    /// Callers that wait in other processes.
    pub(crate) others: u32,
    /// From one slot to the next. Zero without a limit.
    pub(crate) interval: Duration,
    /// Until the pause ends, if there is one.
    pub(crate) pause: Option<Duration>,
    pub(crate) per_minute: f64,
    pub(crate) slowed_down: bool,
    /// Another process sets another limit.
    disagree: bool,
}

impl SharedLimit {
    pub(crate) fn new(fleet: Arc<Fleet>, asked_by: AskedBy) -> Self {
        let keys = fleet.keys.limit(asked_by);
        SharedLimit { fleet, keys, round_trip_us: AtomicU64::new(0) }
    }

    /// Whether Redis can be used now.
    pub(crate) fn is_reachable(&self) -> bool {
        self.fleet.link.session().is_some()
    }

    pub(crate) fn outages(&self) -> u64 {
        self.fleet.outages()
    }

    /// Which part of the limit this process keeps to while Redis cannot be used.
    pub(crate) fn share(&self) -> f64 {
        self.fleet.share()
    }

    /// Asks for a slot. `None` if Redis cannot be used any more.
    pub(crate) async fn take(&self, request: SlotRequest) -> Option<SlotReply> {
        let mut session = self.fleet.link.session()?;
        let SlotRequest { kind, nonce, waited, per_minute, burst, callers, used } = request;
        let round_trip = Duration::from_micros(self.round_trip_us.load(Relaxed));
        let mut take = TAKE.prepare_invoke();
        let LimitKeys { limit, queue, batches, back, waiting } = &self.keys;
        take.key(limit).key(queue).key(batches).key(back).key(waiting);
        take.arg(&self.fleet.process).arg(nonce);
        take.arg(match kind {
            Kind::Call => "call",
            Kind::Batch => "batch",
        });
        take.arg(microseconds(waited)).arg(per_minute).arg(burst);
        take.arg(microseconds(LOOK_AHEAD + 2 * round_trip));
        take.arg(microseconds(MAY_BE_LATE + 3 * round_trip));
        take.arg(callers).arg(used);
        let asked = Instant::now();
        let reply: SlotReply = self.fleet.run_while_waiting(&mut session, &take).await?;
        let took = asked.elapsed();
        self.measured(took);
        metrics::disagree(reply.disagree);
        // The reply took about half of the round trip to come here.
        Some(SlotReply { wait: reply.wait.saturating_sub(took / 2), ..reply })
    }

    fn measured(&self, took: Duration) {
        let (before, took) = (self.round_trip_us.load(Relaxed), microseconds(took));
        let average = if before == 0 { took } else { (before * 7 + took) / 8 };
        self.round_trip_us.store(average, Relaxed);
    }

    /// Takes a slot if one is free now, and nobody waits. `None` if Redis cannot be used any
    /// more.
    pub(crate) async fn take_if_idle(&self, per_minute: u32, burst: u32) -> Option<bool> {
        let mut session = self.fleet.link.session()?;
        let mut idle = IDLE.prepare_invoke();
        idle.key(&self.keys.limit).key(&self.keys.waiting).arg(per_minute).arg(burst);
        self.fleet.run_while_waiting(&mut session, &idle).await
    }

    /// Nobody waits here any more. Otherwise the others would wait for this process for a
    /// moment.
    pub(crate) fn leave(&self) {
        let Some(mut session) = self.fleet.link.session() else { return };
        let LimitKeys { queue, batches, back, waiting, .. } = &self.keys;
        let mut leave = LEAVE.prepare_invoke();
        leave.key(queue).key(batches).key(back).key(waiting).arg(&self.fleet.process);
        self.fleet.link.spawn(async move {
            let _: RedisResult<()> = leave.invoke_async(&mut session.connection).await;
        });
    }

    /// How long ago it was sent when Redis hears of it.
    fn age_at_redis(&self, sent: Duration) -> u64 {
        microseconds(sent) + self.round_trip_us.load(Relaxed) / 2
    }

    /// A request that was sent this long ago was answered 429.
    pub(crate) async fn too_many_requests(
        &self,
        sent: Duration,
        pause: Option<Duration>,
        is_batch: bool,
    ) -> Option<()> {
        let mut session = self.fleet.link.session()?;
        let mut script = TOO_MANY_REQUESTS.prepare_invoke();
        script.key(&self.keys.limit).arg(self.age_at_redis(sent));
        match pause {
            Some(pause) => script.arg(microseconds(pause)),
            None => script.arg(-1),
        };
        script.arg(u8::from(is_batch));
        self.fleet.run_while_waiting(&mut session, &script).await
    }

    /// A request that was sent this long ago was answered, and not with 429.
    pub(crate) async fn passed(&self, sent: Duration) -> Option<()> {
        let mut session = self.fleet.link.session()?;
        let mut script = PASSED.prepare_invoke();
        script.key(&self.keys.limit).arg(self.age_at_redis(sent));
        let _: u8 = self.fleet.run_while_waiting(&mut session, &script).await?;
        Some(())
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(1 << 52)
}

type SlotFields = (u8, i64, i64, i64, i64, i64, u8, i64, String, u8);

impl SlotReply {
    /// Until the next slot of anybody.
    pub(crate) fn next_slot(&self) -> Duration {
        match self.pause {
            Some(_) => self.own_slot,
            None => self.own_slot.min(self.interval),
        }
    }
}

impl FromRedisValue for SlotReply {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let fields: SlotFields = from_redis_value(value)?;
        let (granted, wait, own_slot, others, interval, pause, _, rate, reason, disagree) = fields;
        // Not longer than a year: it is added to other times.
        let time = |microseconds: i64| {
            Duration::from_micros(microseconds.clamp(0, 31_536_000_000_000).unsigned_abs())
        };
        Ok(SlotReply {
            granted: granted == 1,
            wait: time(wait),
            own_slot: time(own_slot),
            others: u32::try_from(others).unwrap_or_default(),
            interval: time(interval),
            pause: (pause >= 0).then(|| time(pause)),
            per_minute: rate as f64 / 1000.0,
            slowed_down: reason == "slowed_down",
            disagree: disagree == 1,
        })
    }
}
