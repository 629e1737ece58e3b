//! A rate limit that several processes share (feature `redis`). Callers queue in their own
//! process, and only the first of them asks Redis. While Redis cannot be used, the process
//! keeps to its share of the limit.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::Bucket;
use super::limits::Limit;
use super::local::{LocalLimiter, Next, Pause, QueuedCall, State};
use super::wait_policy::WaitPolicy;
use super::waiters::CHECK_INTERVAL;
use crate::client::telemetry::metrics::LimitWait;
use crate::client::times::{A_YEAR, MINUTE, TIME_FOR_A_RESPONSE};
use crate::error::{Error, ErrorKind};
use crate::platform::clock::{Instant, sleep};
use crate::store::redis::limit::{Kind, SharedLimit, SlotReply, SlotRequest};

/// The limit of the fleet, and what this process knows of it.
pub(super) struct FleetLimiter {
    limit: SharedLimit,
    known: Mutex<Known>,
}

struct Known {
    /// What Redis said last, and when.
    last: Option<(SlotReply, Instant)>,
    /// The number of the next slot, for calls and for batches.
    nonces: [u64; 2],
    /// The outage in which this process goes on alone.
    alone_in: Option<u64>,
    /// When this process sent its last request.
    last_sent: Option<Instant>,
    /// Slots used alone that Redis has not been told of yet.
    used: u32,
}

impl Known {
    /// Until when a 429 holds all processes back, by what Redis said last.
    fn pause(&self, now: Instant) -> Option<Instant> {
        let (last, said) = self.last?;
        Some(said + last.pause?.min(A_YEAR)).filter(|until| *until > now)
    }
}

/// Slots are granted shortly ahead of their time, and never further.
const LONGEST_WAIT_FOR_A_SLOT: Duration = Duration::from_secs(1);

/// Whoever is first asks again within 5 s. An older reply says nothing about the bucket.
const LAST_REPLY_IS_GOOD_FOR: Duration = Duration::from_secs(6);

/// What the first caller, or one behind it, does now.
enum Turn {
    Ask(SlotRequest),
    CheckAt(Instant),
}

impl FleetLimiter {
    pub(super) fn new(limit: SharedLimit) -> Self {
        let nonces = [fastrand::u64(..1 << 48), fastrand::u64(..1 << 48)];
        let known = Known { last: None, nonces, alone_in: None, last_sent: None, used: 0 };
        FleetLimiter { limit, known: Mutex::new(known) }
    }

    /// Whether Redis decides now. Otherwise the bucket of this process does, which gets this
    /// process's share when an outage begins.
    pub(super) fn decides(&self, local: &LocalLimiter) -> bool {
        // Always in this order: first the queue, then what is known of the fleet.
        let state = &mut *local.state();
        let mut known = self.known();
        if self.limit.is_reachable() {
            if known.alone_in.take().is_some() {
                known.used += state.bucket.used(Instant::now());
                state.pause = None;
                state.waiters.wake_all();
            }
            return true;
        }
        let outage = self.limit.outages();
        if known.alone_in.replace(outage) != Some(outage) {
            self.go_alone(&known, local.set, state);
        }
        false
    }

    fn go_alone(&self, known: &Known, mut set: Limit, state: &mut State) {
        let now = Instant::now();
        if let Some((last, _)) = known.last.filter(|_| set.per_minute == 0) {
            set.per_minute = last.per_minute as u32;
        }
        state.bucket = Bucket::share_of(set.rate(), self.limit.share(), known.last_sent, now);
        state.pause = known.pause(now).map(|until| Pause {
            since: now,
            until,
            probe_at: now + MINUTE,
            limit: None,
        });
        state.next_slot_at = state.next_slot(now);
        state.too_many_requests += 1;
        state.waiters.wake_all();
    }

    fn request(&self, set: Limit, kind: Kind, waited: Duration, callers: usize) -> SlotRequest {
        let mut known = self.known();
        let nonce = known.nonces[usize::from(kind == Kind::Batch)];
        let Limit { per_minute, .. } = set;
        // A call and a batch may ask at the same time: only one of them tells what was used.
        let used = mem::take(&mut known.used);
        SlotRequest { kind, nonce, waited, per_minute, burst: burst(set), callers, used }
    }

    /// Asks for a slot, and remembers what Redis says. `None` if Redis cannot be used any
    /// more, or if another caller of this process has got this slot.
    async fn take(&self, request: SlotRequest) -> Option<SlotReply> {
        let untold = Untold { fleet: self, used: request.used };
        let reply = self.limit.take(request).await?;
        untold.arrived();
        let mut known = self.known();
        known.last = Some((reply, Instant::now()));
        let nonce = &mut known.nonces[usize::from(request.kind == Kind::Batch)];
        if reply.granted {
            if *nonce != request.nonce {
                return None;
            }
            *nonce += 1;
        }
        Some(reply)
    }

    fn sent_at(&self, now: Instant) -> Instant {
        self.known().last_sent = Some(now);
        now
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a slot.
    pub(super) async fn acquire(
        &self,
        local: &LocalLimiter,
        wait: WaitPolicy,
        asked: Instant,
        deadline: Instant,
    ) -> Result<Instant, Error> {
        let mut leaves = LeavesIfLast { fleet: self, local, waited: false };
        let waiter = local.state().waiters.join(wait, asked);
        let mut call = QueuedCall { limiter: local, waiter, deadline, estimated_at: None };
        let mut limit_wait = LimitWait::of(local.asked_by);
        let mut ask_at = asked;
        loop {
            let check_at = if !self.decides(local) {
                match local.check(&mut call)? {
                    Next::Send(now) => return Ok(self.sent_at(now)),
                    Next::CheckAt(time) => time,
                }
            } else {
                match self.turn(local, &mut call, wait, asked, ask_at)? {
                    Turn::CheckAt(time) => time,
                    Turn::Ask(request) => {
                        let Some(reply) = self.take(request).await else { continue };
                        let now = Instant::now();
                        leaves.waited = !reply.granted;
                        if reply.granted {
                            // The next one asks while this one waits for its time.
                            drop(call);
                            if !reply.wait.is_zero() {
                                limit_wait.begins();
                                sleep(reply.wait.min(LONGEST_WAIT_FOR_A_SLOT)).await;
                            }
                            return Ok(self.sent_at(Instant::now()));
                        }
                        if is_too_late(now + reply.own_slot.min(A_YEAR), deadline) {
                            return Err(too_late(local, &reply, reply.own_slot, deadline));
                        }
                        ask_at = now + reply.wait;
                        ask_at
                    }
                }
            };
            limit_wait.begins();
            let now = Instant::now();
            call.waiter.wakeup.wait_until(check_at.min(now + CHECK_INTERVAL)).await;
        }
    }

    /// The first caller asks Redis; those behind it look whether their slot would come too
    /// late.
    fn turn(
        &self,
        local: &LocalLimiter,
        call: &mut QueuedCall<'_>,
        wait: WaitPolicy,
        asked: Instant,
        ask_at: Instant,
    ) -> Result<Turn, Error> {
        let now = Instant::now();
        let state = &mut *local.state();
        let waiter = &call.waiter;
        state.waiters.on_poll(waiter, now);
        state.waiters.mark_silent_first(wait, now);
        if is_too_late(now, call.deadline) {
            let last = self.known().last.map(|(last, _)| last);
            let slot = last.map_or(Duration::ZERO, |last| last.next_slot());
            return Err(too_late(local, &last.unwrap_or_default(), slot, call.deadline));
        }
        if state.waiters.is_first(waiter) {
            if now < ask_at {
                return Ok(Turn::CheckAt(ask_at));
            }
            let kind = if wait == WaitPolicy::Batch { Kind::Batch } else { Kind::Call };
            let callers = state.waiters.waiting(wait);
            let waited = now.saturating_duration_since(asked);
            return Ok(Turn::Ask(self.request(local.set, kind, waited, callers)));
        }
        let known = self.known();
        if known.pause(now).is_some_and(|until| is_too_late(until, call.deadline)) {
            let last = known.last.map(|(last, _)| last).unwrap_or_default();
            return Err(too_late(local, &last, last.own_slot, call.deadline));
        }
        // While slots are granted at once, there may be more. Counting those ahead takes time,
        // so it is done once after each 429.
        if let Some((last, said)) = known.last.filter(|(last, said)| {
            !last.granted && now.saturating_duration_since(*said) < LAST_REPLY_IS_GOOD_FOR
        }) && call.estimated_at.replace(state.too_many_requests) != Some(state.too_many_requests)
        {
            let ahead = state.waiters.ahead(waiter).saturating_add(last.others);
            let next_slot = (said + last.next_slot()).max(now);
            let slot = next_slot + last.interval.saturating_mul(ahead).min(A_YEAR);
            if is_too_late(slot, call.deadline) {
                let left = slot.saturating_duration_since(now);
                return Err(too_late(local, &last, left, call.deadline));
            }
        }
        Ok(Turn::CheckAt(now + CHECK_INTERVAL))
    }

    /// A slot that is free now, if nobody in the fleet waits.
    pub(super) async fn acquire_if_idle(&self, local: &LocalLimiter) -> Option<WaitPolicy> {
        if !local.state().waiters.is_empty() {
            return None;
        }
        let is_taken = self.limit.take_if_idle(local.set.per_minute, burst(local.set)).await?;
        is_taken.then(|| WaitPolicy::Reserved(self.sent_at(Instant::now())))
    }

    /// Tells the other processes that Figma has answered 429, or that a request has passed
    /// that was sent in a pause.
    pub(super) async fn tell(
        &self,
        local: &LocalLimiter,
        wait: WaitPolicy,
        sent: Instant,
        outcome: AttemptOutcome,
    ) {
        match outcome {
            AttemptOutcome::TooManyRequests { pause } => {
                let is_batch = wait == WaitPolicy::Batch;
                self.limit.too_many_requests(sent.elapsed(), pause, is_batch).await;
                if let Some((last, said)) = &mut self.known().last {
                    *said = Instant::now();
                    last.pause = pause.or(last.pause);
                }
                let mut state = local.state();
                state.too_many_requests += 1;
                state.waiters.wake_all();
            }
            AttemptOutcome::Passed => {
                let in_pause = self.known().last.is_some_and(|(last, _)| last.pause.is_some());
                if in_pause && self.limit.passed(sent.elapsed()).await.is_some() {
                    if let Some((last, _)) = &mut self.known().last {
                        last.pause = None;
                    }
                    local.state().waiters.wake_all();
                }
            }
            AttemptOutcome::Unknown => {}
        }
    }
}

fn burst(set: Limit) -> u32 {
    set.burst.unwrap_or(set.per_minute).max(1)
}

/// Slots used alone that are on their way to Redis. They are told again if they do not
/// arrive, or if the caller is dropped before it is known.
struct Untold<'a> {
    fleet: &'a FleetLimiter,
    used: u32,
}

impl Untold<'_> {
    fn arrived(mut self) {
        self.used = 0;
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if self.used > 0 {
            self.fleet.known().used += self.used;
        }
    }
}

/// The error for a call whose slot comes too late for its deadline.
fn too_late(local: &LocalLimiter, last: &SlotReply, slot: Duration, deadline: Instant) -> Error {
    let now = Instant::now();
    let until = last.pause.unwrap_or_default().max(slot).min(A_YEAR);
    let setting = local.setting();
    let per_minute = last.per_minute;
    let (reason, advice) = match last {
        SlotReply { pause: Some(_), .. } => (
            "Figma answered 429 to an earlier request, so all processes that share its limit pause"
                .to_owned(),
            "try again later",
        ),
        SlotReply { slowed_down: true, .. } => (
            format!(
                "after a 429 the rate limit `{setting}` that your processes share is {per_minute:.0} a minute for some minutes"
            ),
            "ask less often, or raise `deadline`",
        ),
        _ => (
            format!(
                "the rate limit `{setting}` that your processes share is {per_minute:.0} a minute, and {} of their callers wait",
                last.others
            ),
            "ask less often, or raise `rate_limits` or `deadline`",
        ),
    };
    let seconds = |left: Duration| format!("{:.1} s", (left.as_secs_f64() * 10.0).ceil() / 10.0);
    let message = format!(
        "no request was sent: {reason}; the next request is allowed in {}, a response needs half a second more, and the deadline of this call is in {}; {advice}",
        seconds(until),
        seconds(deadline.saturating_duration_since(now))
    );
    Error::new(ErrorKind::RateLimited, message).with(|details| {
        details.may_have_arrived = false;
        details.response.retry_after = Some(until);
    })
}

/// Tells Redis that nobody of this process waits any more, when the last one has gone
/// without a slot.
struct LeavesIfLast<'a> {
    fleet: &'a FleetLimiter,
    local: &'a LocalLimiter,
    /// Whether Redis has put this process into the queue.
    waited: bool,
}

impl Drop for LeavesIfLast<'_> {
    fn drop(&mut self) {
        if self.waited && self.local.state().waiters.is_empty() {
            self.fleet.limit.leave();
        }
    }
}

/// What an attempt says about the limit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AttemptOutcome {
    TooManyRequests {
        pause: Option<Duration>,
    },
    /// Figma has looked at it, and did not answer 429.
    Passed,
    Unknown,
}

fn is_too_late(slot: Instant, deadline: Instant) -> bool {
    slot + TIME_FOR_A_RESPONSE >= deadline
}
