//! The specification of the cache: which answers a call may get. Every history is checked
//! against it. It says nothing about how the cache works.
//!
//! Here a *grant* is an answer with access, and a *denial* is an answer without access.
//!
//! 1. An answer is about the user and resource that the call asked about.
//! 2. `get_fresh` returns the answer to its own request.
//! 3. No call gets an answer that was revoked before the call began. A denial revokes the
//!    grants whose request was sent before the denial *arrived*; `invalidate` revokes all
//!    answers whose request was sent before.
//! 4. From memory, no call gets an answer that was revoked or refused after it was sent.
//! 5. From memory, no call gets an answer that is older than its time to live, counted
//!    from when it was sent. In an outage, if the settings allow it, a grant may be older.
//! 6. From memory, a question by payment token gets only an answer about the subject that
//!    Figma named for this token.
//! 7. A question by payment token is refused with 401 only if Figma refused this token just
//!    now, or a short time before.
//!
//! No rule says that an answer is kept: a lost entry only costs a request.

use std::time::Duration;

use tokio::time::Instant;

use super::question::{Question, Subject};
use crate::cache::entitlement::Source;
use crate::error::ErrorKind;
use crate::model::payment::PaymentStatus;

/// When something happened. Events at the same instant have different numbers, in the
/// order in which they happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) number: u64,
    pub(super) at: Instant,
}

/// A request, or a call of `prime` or `invalidate`.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) about: Subject,
    /// `None` for `prime` and `invalidate`.
    pub(super) question: Option<Question>,
    pub(super) sent: Moment,
    /// `None` while the request is under way.
    pub(super) arrival: Option<Arrival>,
    /// Whether `get_fresh` has returned this answer.
    pub(super) returned_as_fresh: bool,
}

#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) when: Moment,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Status(PaymentStatus),
    Refused(ErrorKind),
    Outage(ErrorKind),
    Invalidated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    GetFresh,
    GetCached,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) number: usize,
    pub(super) method: Method,
    pub(super) question: Question,
    pub(super) began: Moment,
}

#[derive(Debug)]
pub(super) struct Times {
    pub(super) paid: Duration,
    pub(super) trial: Duration,
    pub(super) unpaid: Duration,
    /// How much longer a grant may be returned in an outage.
    pub(super) stale: Duration,
    /// How long a refused token is remembered.
    pub(super) refused: Duration,
    /// The deadline of a call.
    pub(super) deadline: Duration,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) times: Times,
    /// Whether memory has room for all entries. Then a newer answer is never missing
    /// because it was evicted.
    pub(super) unbounded: bool,
    pub(super) events: Vec<Event>,
}

impl Model {
    /// Whether the call may get the answer of this event now. The error says why not.
    pub(super) fn check(
        &self,
        call: &Call,
        event: &Event,
        source: Source,
        now: Moment,
    ) -> Result<(), String> {
        let wrong = |why: &str| Err(why.to_owned());
        let Some(Arrival { when: arrived, outcome: Outcome::Status(status) }) = &event.arrival
        else {
            return wrong("there is no such answer");
        };
        if !call.question.is_answered_by(event.about) {
            return wrong("the answer is about another user or resource");
        }
        let just_arrived = *arrived > call.began && arrived.at == now.at && source != Source::Stale;
        if call.method == Method::GetFresh {
            let is_own =
                just_arrived && event.sent > call.began && event.question == Some(call.question);
            return match is_own && !event.returned_as_fresh {
                true => Ok(()),
                false if event.is_grant() && self.own_request_was_denied(call, now) => {
                    wrong("`get_fresh` returned a grant, but its own request was denied")
                }
                false => wrong("`get_fresh` returned the answer to another request than its own"),
            };
        }
        let mut before_call = self.events.iter().filter(|it| it.arrived_before(call.began));
        if let Some(reason) = before_call.find_map(|it| it.revokes(event)) {
            return Err(format!("it was revoked by {reason} before the call began"));
        }
        if just_arrived && call.method == Method::Get {
            return Ok(());
        }

        let earlier = || self.events.iter().filter(|it| it.had_arrived(call, now));
        let revoked = |answer: &Event| {
            earlier().find_map(|it| it.revokes(answer).or(it.revokes_by_refusal(answer)))
        };
        if let Some(reason) = revoked(event) {
            return Err(format!("memory kept it, but it was revoked by {reason}"));
        }
        let is_superseded = earlier().any(|it| it.supersedes(event) && revoked(it).is_none());
        if self.unbounded && is_superseded {
            return wrong("memory kept a denial, but a grant was sent after it arrived");
        }
        if !self.token_is_known(call, event, now) {
            return wrong("no answer named this subject for the token, or the token was refused");
        }
        let time_to_live = self.time_to_live(status);
        let age = now.at - event.sent.at;
        match source {
            Source::Stale if !status.grants_access() => wrong("it is stale and not a grant"),
            Source::Stale if self.times.stale.is_zero() => {
                wrong("it is stale, and the settings do not allow that")
            }
            Source::Stale if age > time_to_live + self.times.stale => {
                wrong("it is too old even for an outage")
            }
            Source::Stale if !self.is_outage(call, now) => wrong("it is stale without an outage"),
            Source::Stale => Ok(()),
            _ if time_to_live.is_zero() => wrong("an answer with this status is never kept"),
            _ if age > time_to_live => wrong("it is too old"),
            _ => Ok(()),
        }
    }

    /// Whether the call may be told now that its payment token is refused.
    pub(super) fn check_refusal(&self, call: &Call, now: Moment) -> Result<(), String> {
        let allows = |event: &Event| {
            let same_token = event.question.is_some_and(|it| it.token == call.question.token);
            let refused = event.outcome() == Some(&Outcome::Refused(ErrorKind::Unauthorized));
            let arrived = event.arrival.as_ref().map(|it| it.when);
            let may_be_remembered = call.method == Method::Get && call.question.token.is_some();
            let in_time = arrived.is_some_and(|arrived| match may_be_remembered {
                true => now.at - arrived.at <= self.times.refused,
                false => arrived > call.began && arrived.at == now.at,
            });
            same_token && refused && in_time
        };
        match self.events.iter().any(allows) {
            true => Ok(()),
            false => Err("Figma did not refuse this token a short time ago".to_owned()),
        }
    }

    /// Whether a cache without eviction could have answered this call from memory.
    pub(super) fn could_answer_from_memory(&self, call: &Call) -> bool {
        let by_user = call.method != Method::GetFresh && call.question.token.is_none();
        let is_allowed = |event: &Event| {
            event.arrived_before(call.began)
                && self.check(call, event, Source::Cached, call.began).is_ok()
        };
        by_user && self.events.iter().any(is_allowed)
    }

    fn time_to_live(&self, status: &PaymentStatus) -> Duration {
        match status {
            PaymentStatus::Paid => self.times.paid,
            PaymentStatus::Trial => self.times.trial,
            PaymentStatus::Unpaid => self.times.unpaid,
            PaymentStatus::NotSupported | PaymentStatus::Unknown(_) => Duration::ZERO,
        }
    }

    /// Whether the request that was answered at this instant gave no access.
    fn own_request_was_denied(&self, call: &Call, now: Moment) -> bool {
        self.events.iter().any(|it| {
            let arrives_now = it.arrival.as_ref().is_some_and(|it| it.when.at == now.at);
            arrives_now && it.question == Some(call.question) && !it.is_grant()
        })
    }

    /// Whether an answer has named the subject for the token, and the token was not
    /// refused since. True for a question by user.
    fn token_is_known(&self, call: &Call, event: &Event, now: Moment) -> bool {
        let Some(token) = call.question.token else { return true };
        let earlier = || self.events.iter().filter(|it| it.had_arrived(call, now));
        earlier().any(|answer| {
            let by_token = answer.question.is_some_and(|question| question.token == Some(token));
            let refused_since =
                || earlier().any(|it| it.refuses_token(call) && it.arrived_after(answer.sent));
            by_token && answer.status().is_some() && answer.about == event.about && !refused_since()
        })
    }

    /// Whether Figma could not be reached while the call waited, or had asked for a pause.
    fn is_outage(&self, call: &Call, now: Moment) -> bool {
        let timed_out = now.at - call.began.at >= self.times.deadline;
        let failed = |it: &Event| match it.outcome() {
            Some(Outcome::Outage(ErrorKind::RateLimited)) => true,
            Some(Outcome::Outage(_)) => it.arrived_after(call.began),
            _ => false,
        };
        timed_out || self.events.iter().any(failed)
    }
}

impl Event {
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.arrival.as_ref().map(|it| &it.outcome)
    }

    fn status(&self) -> Option<&PaymentStatus> {
        let Some(Outcome::Status(status)) = self.outcome() else { return None };
        Some(status)
    }

    fn is_grant(&self) -> bool {
        self.status().is_some_and(PaymentStatus::grants_access)
    }

    fn arrived_before(&self, moment: Moment) -> bool {
        self.arrival.as_ref().is_some_and(|it| it.when < moment)
    }

    fn arrived_after(&self, moment: Moment) -> bool {
        self.arrival.as_ref().is_some_and(|it| it.when > moment)
    }

    /// Whether the event counts for a call that is answered now. At each instant at most
    /// one response arrives, and it counts at once. `prime` and `invalidate` may happen at
    /// the same instant, after the cache has chosen the answer, so they count only if they
    /// are earlier.
    fn had_arrived(&self, call: &Call, now: Moment) -> bool {
        let response = self.question.is_some() && self.arrived_before(now);
        let earlier = self.arrival.as_ref().is_some_and(|it| it.when.at < now.at);
        response || earlier || self.arrived_before(call.began)
    }

    /// Whether this event revokes an answer. A denial revokes grants that were sent before
    /// it arrived, and `invalidate` revokes all answers that were. Names this event.
    fn revokes(&self, answer: &Event) -> Option<&'static str> {
        let sent_before = self.about == answer.about && self.arrived_after(answer.sent);
        match self.outcome() {
            Some(Outcome::Invalidated) if sent_before => Some("`invalidate`"),
            Some(Outcome::Status(_)) if sent_before && answer.is_grant() && !self.is_grant() => {
                Some("a denial")
            }
            _ => None,
        }
    }

    /// Whether this event is a refused question by user. That revokes grants that were sent
    /// before, for later calls.
    fn revokes_by_refusal(&self, answer: &Event) -> Option<&'static str> {
        let by_user = self.question.is_some_and(|question| question.token.is_none());
        let refused = by_user && matches!(self.outcome(), Some(Outcome::Refused(_)));
        let sent_before = self.about == answer.about && self.arrived_after(answer.sent);
        (refused && sent_before && answer.is_grant()).then_some("a refusal")
    }

    /// Whether this event refuses the token of the call: a 401 to any question with this
    /// token, or another refusal of the same question.
    fn refuses_token(&self, call: &Call) -> bool {
        let Some(question) = self.question else { return false };
        match self.outcome() {
            Some(Outcome::Refused(ErrorKind::Unauthorized)) => {
                question.token == call.question.token
            }
            Some(Outcome::Refused(_)) => question == call.question,
            _ => false,
        }
    }

    /// Whether this is a grant that was sent after the denial had arrived.
    fn supersedes(&self, denial: &Event) -> bool {
        let grant_after_denial =
            self.is_grant() && !denial.is_grant() && self.about == denial.about;
        grant_after_denial && denial.arrived_before(self.sent)
    }
}
