//! The rate limiter of one process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::{Bucket, CurrentLimit, LimitReason};
use super::limits::Limit;
use super::wait_policy::WaitPolicy;
use super::waiters::{CHECK_INTERVAL, SILENT_AFTER, Waiter, Waiters};
use crate::client::telemetry::metrics::LimitWait;
use crate::client::times::{A_YEAR, MINUTE, TIME_FOR_A_RESPONSE};
use crate::error::{Error, ErrorKind, RateLimitHeaders};
use crate::model::query::AskedBy;
use crate::platform::clock::Instant;

/// The rate limiter of one way of asking, in this process.
pub(super) struct LocalLimiter {
    pub(super) asked_by: AskedBy,
    pub(super) set: Limit,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) bucket: Bucket,
    pub(super) pause: Option<Pause>,
    pub(super) waiters: Waiters,
    /// When the next slot is free, by what was known at the last change. A slot that
    /// is free for longer than [`SILENT_AFTER`] is left unused by a silent waiter.
    pub(super) next_slot_at: Instant,
    /// How many 429s arrived. After each, the waiters estimate their slot again.
    pub(super) too_many_requests: u64,
}

/// The pause that a 429 with `Retry-After` asks for.
pub(super) struct Pause {
    pub(super) since: Instant,
    pub(super) until: Instant,
    /// When one request is sent in spite of the pause, to see whether it still holds.
    /// Figma has asked for pauses of days, which may be an error.
    pub(super) probe_at: Instant,
    pub(super) limit: Option<RateLimitHeaders>,
}

impl Pause {
    /// Until when no request may be sent, if that is later than now.
    fn blocked_until(&self, now: Instant) -> Option<Instant> {
        Some(self.until.min(self.probe_at)).filter(|until| *until > now)
    }
}

/// What a waiting call has to do now.
pub(super) enum Next {
    /// Send its request, at this time: now.
    Send(Instant),
    /// Check again at this time.
    CheckAt(Instant),
}

/// A call in the queue. It leaves the queue when it is dropped.
pub(super) struct QueuedCall<'a> {
    pub(super) limiter: &'a LocalLimiter,
    pub(super) waiter: Waiter,
    pub(super) deadline: Instant,
    /// `too_many_requests` at the last estimate of its slot.
    pub(super) estimated_at: Option<u64>,
}

impl Drop for QueuedCall<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.waiters.leave(&self.waiter);
        state.waiters.wake_next();
    }
}

impl LocalLimiter {
    pub(super) fn new(asked_by: AskedBy, set: Limit) -> Self {
        let now = Instant::now();
        let state = State {
            bucket: Bucket::new(set.rate(), now),
            pause: None,
            waiters: Waiters::default(),
            next_slot_at: now,
            too_many_requests: 0,
        };
        LocalLimiter { asked_by, set, state: Mutex::new(state) }
    }

    /// Waits for a slot, takes it, and returns the time: the request may be sent now.
    ///
    /// Fails at once if the slot would come too late for the deadline. With
    /// [`WaitPolicy::Batch`] the deadline does not matter.
    ///
    /// Cancel-safe: a call that is dropped blocks no other call. One that is no longer
    /// polled blocks the others for a second at most.
    pub(super) async fn acquire(
        &self,
        wait: WaitPolicy,
        now: Instant,
        deadline: Instant,
    ) -> Result<Instant, Error> {
        if self.state().try_acquire(now) {
            return Ok(now);
        }
        let waiter = self.state().waiters.join(wait, now);
        let mut call = QueuedCall { limiter: self, waiter, deadline, estimated_at: None };
        let mut wait = LimitWait::of(self.asked_by);
        loop {
            match self.check(&mut call)? {
                Next::Send(now) => return Ok(now),
                Next::CheckAt(time) => {
                    wait.begins();
                    call.waiter.wakeup.wait_until(time).await;
                }
            }
        }
    }

    /// Takes a slot if one is free and nobody waits for it.
    #[cfg(feature = "cache")]
    pub(super) fn acquire_if_idle(&self) -> Option<WaitPolicy> {
        let now = Instant::now();
        self.state().try_acquire(now).then_some(WaitPolicy::Reserved(now))
    }

    /// Takes the slot if it is the call's, or says when to check again.
    pub(super) fn check(&self, call: &mut QueuedCall<'_>) -> Result<Next, Error> {
        let now = Instant::now();
        let state = &mut *self.state();
        let waiter = &call.waiter;
        state.waiters.on_poll(waiter, now);
        let next_slot = state.next_slot(now);
        if next_slot <= now && state.next_slot_at + SILENT_AFTER <= now {
            state.waiters.mark_silent(now);
        }
        let is_next = state.waiters.is_next(waiter);
        if is_next && next_slot <= now {
            state.take_slot(now);
            state.waiters.on_slot(waiter);
            return Ok(Next::Send(now));
        }
        let is_too_late = |slot: Instant| slot + TIME_FOR_A_RESPONSE >= call.deadline;
        if is_too_late(if is_next { next_slot } else { now }) {
            let slot = state.estimated_slot(waiter, next_slot, now);
            return Err(self.too_late(state, slot, call.deadline));
        }
        // Counting the waiters ahead takes time, so it is done once after each 429.
        if call.estimated_at.replace(state.too_many_requests) != Some(state.too_many_requests) {
            let ahead = state.waiters.ahead(waiter);
            let slot = state.estimated_slot(waiter, next_slot, now);
            // In a pause only the first waiter may send a probe. The others need the pause
            // to end before their deadline.
            let pause = state.pause.as_ref().filter(|pause| pause.blocked_until(now).is_some());
            let pause_too_long = ahead > 0 && pause.is_some_and(|pause| is_too_late(pause.until));
            if is_too_late(slot) || pause_too_long {
                return Err(self.too_late(state, slot, call.deadline));
            }
        }
        let check_at = match is_next {
            true => next_slot,
            // The waiter that is next may be silent and not use its slot.
            false => next_slot + CHECK_INTERVAL,
        };
        let give_up_at = call.deadline.checked_sub(TIME_FOR_A_RESPONSE).unwrap_or(now);
        Ok(Next::CheckAt(check_at.min(give_up_at)))
    }

    /// A request that was sent at `sent` was answered, and not with 429.
    pub(super) fn on_response(&self, sent: Instant) {
        let mut state = self.state();
        if state.pause.take_if(|pause| pause.since <= sent).is_some() {
            state.next_slot_at = state.next_slot(Instant::now());
            // All of them, because the next one may be silent.
            state.waiters.wake_all();
        }
    }

    /// A request that was sent at `sent` was answered 429. If there is a pause, it
    /// replaces an earlier one, even if it is shorter: the newest 429 counts.
    pub(super) fn on_too_many_requests(
        &self,
        wait: WaitPolicy,
        sent: Instant,
        error: &Error,
        pause: Option<Duration>,
    ) {
        let now = Instant::now();
        let mut state = self.state();
        state.too_many_requests += 1;
        state.bucket.on_too_many_requests(sent, now, wait == WaitPolicy::Batch);
        if let Some(pause) = pause {
            state.pause = Some(Pause {
                since: now,
                until: now + pause.min(A_YEAR),
                probe_at: now + MINUTE,
                limit: error.rate_limit().cloned(),
            });
        }
        state.next_slot_at = state.next_slot(now);
        state.waiters.wake_all();
    }

    /// The error for a call whose slot comes too late for its deadline.
    fn too_late(&self, state: &State, slot: Instant, deadline: Instant) -> Error {
        let now = Instant::now();
        // Rounded up, so that no wait is shown as zero.
        let seconds = |time: Instant| {
            let left = time.saturating_duration_since(now).min(A_YEAR);
            format!("{:.1} s", (left.as_secs_f64() * 10.0).ceil() / 10.0)
        };
        let pause = state.pause.as_ref().filter(|pause| pause.until > now);
        let until = pause.map_or(slot, |pause| pause.until.max(slot));
        let reason = match pause {
            Some(_) => "Figma answered 429 to an earlier request, so the client pauses".into(),
            None => self.describe_limit(state, now),
        };
        let advice = match pause {
            Some(_) => "try again later",
            None => "ask less often, or raise `rate_limits` or `deadline`",
        };
        let message = format!(
            "no request was sent: {reason}; the next request is allowed in {}, a response needs half a second more, and the deadline of this call is in {}; {advice}",
            seconds(until),
            seconds(deadline)
        );
        Error::new(ErrorKind::RateLimited, message).with(|details| {
            details.may_have_arrived = false;
            details.response.retry_after = Some(until.saturating_duration_since(now));
            details.response.rate_limit = pause.and_then(|pause| pause.limit.clone());
        })
    }

    fn describe_limit(&self, state: &State, now: Instant) -> String {
        let setting = self.setting();
        let set = self.set.per_minute;
        match state.bucket.current_limit(now) {
            Some(CurrentLimit { per_minute, reason: LimitReason::SlowedDown }) => format!(
                "after a 429 your rate limit `{setting}` is {per_minute:.0} instead of {set} a minute for some minutes"
            ),
            Some(CurrentLimit { per_minute, reason: LimitReason::Assumed }) => format!(
                "no rate limit `{setting}` is set, so after a 429 the client keeps to {per_minute:.0} a minute for some minutes"
            ),
            Some(CurrentLimit { reason: LimitReason::Set, .. }) | None => {
                format!("your rate limit `{setting}` is {set} a minute")
            }
        }
    }

    /// The name of its setting.
    pub(super) fn setting(&self) -> &'static str {
        match self.asked_by {
            AskedBy::Token => "by_token",
            AskedBy::User => "by_user",
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a slot if one is free now and no call waits for it.
    fn try_acquire(&mut self, now: Instant) -> bool {
        if self.bucket.is_unlimited() && self.pause.is_none() {
            return true;
        }
        let free = self.next_slot(now) <= now && self.waiters.is_empty();
        if free {
            self.take_slot(now);
        }
        free
    }

    /// When the next request may be sent, by what is known now.
    pub(super) fn next_slot(&mut self, now: Instant) -> Instant {
        let pause = self.pause.as_ref().and_then(|pause| pause.blocked_until(now));
        self.bucket.next_token(now).max(pause.unwrap_or(now))
    }

    /// When this waiter gets its slot, by what is known now.
    fn estimated_slot(&self, waiter: &Waiter, next_slot: Instant, now: Instant) -> Instant {
        next_slot + self.bucket.interval(now).saturating_mul(self.waiters.ahead(waiter))
    }

    /// Takes the slot for a request that is sent now.
    fn take_slot(&mut self, now: Instant) {
        self.bucket.take(now);
        if let Some(pause) = &mut self.pause {
            pause.probe_at = now + MINUTE;
        }
        self.next_slot_at = self.next_slot(now);
    }
}
