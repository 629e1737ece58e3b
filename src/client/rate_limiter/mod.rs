//! Rate limits: those that the owner sets, and the pause that a 429 asks for.
//! All clones of a client share them; each way of asking has its own.

mod bucket;
#[cfg(test)]
mod histories;
pub(crate) mod limits;
#[cfg(test)]
mod tests;
pub(crate) mod wait_policy;
mod waiters;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::bucket::{Bucket, InForce};
use self::limits::{Limit, RateLimits};
use self::wait_policy::WaitPolicy;
use self::waiters::{LOOK_EVERY, Place, UNUSED, Waiters};
use crate::client::times::{A_YEAR, MINUTE, TIME_FOR_A_RESPONSE};
use crate::error::{Error, ErrorKind, RateLimitHeaders};
use crate::model::query::AskedBy;
use crate::platform::clock::Instant;

/// The rate limiters of a client, one for each way of asking.
pub(super) struct RateLimiters {
    by_token: RateLimiter,
    by_user: RateLimiter,
}

impl RateLimiters {
    pub(super) fn new(limits: RateLimits) -> Self {
        RateLimiters {
            by_token: RateLimiter::new(AskedBy::Token, limits.by_token),
            by_user: RateLimiter::new(AskedBy::User, limits.by_user),
        }
    }

    pub(super) fn of(&self, asked_by: AskedBy) -> &RateLimiter {
        match asked_by {
            AskedBy::Token => &self.by_token,
            AskedBy::User => &self.by_user,
        }
    }
}

/// The rate limiter of one way of asking.
pub(super) struct RateLimiter {
    asked_by: AskedBy,
    set: Limit,
    state: Mutex<State>,
}

struct State {
    bucket: Bucket,
    pause: Option<Pause>,
    waiters: Waiters,
    /// Since when the next slot is there, or will be.
    due: Instant,
    /// How many 429s came. Whoever waits estimates anew after each.
    too_many_requests: u64,
}

/// What a 429 with `Retry-After` asks for.
struct Pause {
    since: Instant,
    until: Instant,
    /// When one request goes out all the same: a wait of days may be a mistake
    /// of the server's.
    probe: Instant,
    limit: Option<RateLimitHeaders>,
}

impl Pause {
    /// Until when nothing goes out.
    fn ends(&self, now: Instant) -> Option<Instant> {
        Some(self.until.min(self.probe)).filter(|ends| *ends > now)
    }
}

/// What comes of a look whether the slot is there.
enum Look {
    GoesOut(Instant),
    WaitUntil(Instant),
}

/// A place among those who wait, until it is dropped.
struct Waiting<'a> {
    limiter: &'a RateLimiter,
    place: Place,
    deadline: Instant,
    /// The 429s that the last estimate took into account.
    estimated_at: Option<u64>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.waiters.leave(&self.place);
        state.waiters.wake_next();
    }
}

impl RateLimiter {
    fn new(asked_by: AskedBy, set: Limit) -> Self {
        let now = Instant::now();
        let state = State {
            bucket: Bucket::new(set.rate(), now),
            pause: None,
            waiters: Waiters::default(),
            due: now,
            too_many_requests: 0,
        };
        RateLimiter { asked_by, set, state: Mutex::new(state) }
    }

    /// Waits for a slot, and returns the time at which the request goes out: now.
    /// Fails at once if the slot would come too late for the deadline; with
    /// [`WaitPolicy::Batch`] there is none.
    ///
    /// Cancel-safe: who leaves, and who is not polled, keeps nobody from a slot.
    pub(super) async fn acquire(
        &self,
        wait: WaitPolicy,
        now: Instant,
        deadline: Instant,
    ) -> Result<Instant, Error> {
        if let Some(now) = self.state().take_if_free(now) {
            return Ok(now);
        }
        let deadline = match wait {
            WaitPolicy::Deadline => deadline,
            WaitPolicy::Batch => now + 2 * A_YEAR,
        };
        let place = self.state().waiters.join(wait, now);
        let mut waiting = Waiting { limiter: self, place, deadline, estimated_at: None };
        loop {
            match self.look(&mut waiting)? {
                Look::GoesOut(now) => return Ok(now),
                Look::WaitUntil(time) => waiting.place.wakeup.wait_until(time).await,
            }
        }
    }

    fn look(&self, waiting: &mut Waiting<'_>) -> Result<Look, Error> {
        let now = Instant::now();
        let state = &mut *self.state();
        let place = &waiting.place;
        state.waiters.looked(place, now);
        let opens = state.opens(now);
        if opens <= now && state.due + UNUSED <= now {
            state.waiters.pass_over_silent(now);
        }
        let is_next = state.waiters.is_next(place);
        if is_next && opens <= now {
            state.take(now);
            state.waiters.took(place);
            return Ok(Look::GoesOut(now));
        }
        let too_late = |slot: Instant| slot + TIME_FOR_A_RESPONSE >= waiting.deadline;
        if too_late(if is_next { opens } else { now }) {
            let slot = state.slot(place, opens, now);
            return Err(self.too_late(state, slot, waiting.deadline));
        }
        // An estimate takes a look at all who wait.
        if waiting.estimated_at.replace(state.too_many_requests) != Some(state.too_many_requests) {
            let ahead = state.waiters.ahead(place);
            let slot = state.slot(place, opens, now);
            // In a pause only one goes out; the others would wait in vain.
            let pause = state.pause.as_ref().filter(|pause| pause.ends(now).is_some());
            let in_vain = ahead > 0 && pause.is_some_and(|pause| too_late(pause.until));
            if too_late(slot) || in_vain {
                return Err(self.too_late(state, slot, waiting.deadline));
            }
        }
        let slot = match is_next {
            true => opens,
            // Should the one who is next not use it.
            false => opens + LOOK_EVERY,
        };
        let gives_up = waiting.deadline.checked_sub(TIME_FOR_A_RESPONSE).unwrap_or(now);
        Ok(Look::WaitUntil(slot.min(gives_up)))
    }

    /// A request that went out at `sent` was not limited.
    pub(super) fn on_response(&self, sent: Instant) {
        let mut state = self.state();
        if state.pause.take_if(|pause| pause.since <= sent).is_some() {
            state.due = state.opens(Instant::now());
            // All, because whoever is next may be silent.
            state.waiters.wake_all();
        }
    }

    /// A request that went out at `sent` was answered 429. Nobody asks again
    /// before the pause is over, if there is one. The newest 429 counts, however
    /// short its pause.
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
                probe: now + MINUTE,
                limit: error.rate_limit().cloned(),
            });
        }
        state.due = state.opens(now);
        state.waiters.wake_all();
    }

    fn too_late(&self, state: &State, slot: Instant, deadline: Instant) -> Error {
        let now = Instant::now();
        let seconds = |time: Instant| {
            let left = time.saturating_duration_since(now);
            format!("{:.1} s", left.min(A_YEAR).as_secs_f64())
        };
        let pause = state.pause.as_ref().filter(|pause| pause.until > now);
        let until = pause.map_or(slot, |pause| pause.until.max(slot));
        let allowed = format!(
            "allowed in {}, and the deadline of this call is in {}",
            seconds(until),
            seconds(deadline)
        );
        let message = match pause {
            Some(_) => format!(
                "no request was sent: Figma answered 429 to an earlier request and said how long to wait; the next request is {allowed}"
            ),
            None => self.limit_in_words(state, now, &allowed),
        };
        Error::new(ErrorKind::RateLimited, message).with(|details| {
            details.sent = false;
            details.response.retry_after = Some(until.saturating_duration_since(now));
            details.response.rate_limit = pause.and_then(|pause| pause.limit.clone());
        })
    }

    fn limit_in_words(&self, state: &State, now: Instant, allowed: &str) -> String {
        let setting = match self.asked_by {
            AskedBy::Token => "by_token",
            AskedBy::User => "by_user",
        };
        let set = self.set.per_minute;
        match state.bucket.in_force(now) {
            Some((in_force, InForce::SlowedDown)) => format!(
                "no request was sent: after a 429 your rate limit `{setting}` is {in_force:.0} instead of {set} a minute for some minutes; the next request is {allowed}; ask less often, or raise the deadline"
            ),
            Some((in_force, InForce::Assumed)) => format!(
                "no request was sent: no rate limit `{setting}` is set, so after a 429 the client keeps to {in_force:.0} a minute for some minutes; the next request is {allowed}; set the limit of your plan, or raise the deadline"
            ),
            Some((_, InForce::AsSet)) | None => format!(
                "no request was sent: your rate limit `{setting}` is {set} a minute; the next request is {allowed}; raise one of them"
            ),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a slot if there is one and nobody waits for it.
    fn take_if_free(&mut self, now: Instant) -> Option<Instant> {
        if self.bucket.is_unlimited() && self.pause.is_none() {
            return Some(now);
        }
        let free = self.opens(now) <= now && self.waiters.is_empty();
        free.then(|| {
            self.take(now);
            now
        })
    }

    /// When the next request may go out, as it looks now.
    fn opens(&mut self, now: Instant) -> Instant {
        let pause = self.pause.as_ref().and_then(|pause| pause.ends(now));
        self.bucket.opens(now).max(pause.unwrap_or(now))
    }

    /// When the slot of this place comes, as it looks now.
    fn slot(&self, place: &Place, opens: Instant, now: Instant) -> Instant {
        opens + self.bucket.interval(now).saturating_mul(self.waiters.ahead(place))
    }

    /// A request goes out.
    fn take(&mut self, now: Instant) {
        self.bucket.take(now);
        if let Some(pause) = &mut self.pause {
            pause.probe = now + MINUTE;
        }
        self.due = self.opens(now);
    }
}
