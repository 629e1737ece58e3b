//! The rules of order: what the cache may hand out, and nothing of how it keeps
//! it. This is the specification that every history is held against.
//!
//! 1. An answer is about the user and resource that were asked about.
//! 2. `get_fresh` gives the answer to its own request.
//! 3. Nobody gets a yes that a no, or `invalidate`, had ended before they asked.
//!    A no ends every yes that went out before the no *arrived*.
//! 4. From memory comes only what nothing has ended: a no, a refusal or
//!    `invalidate` that arrived after the answer went out.
//! 5. From memory comes only what is young enough, counted from when it went out;
//!    in an outage, and if so set, an older yes.
//! 6. By a token comes from memory only what a question with that token told.
//!
//! Losing a record can only cost a call, so no rule says that anything is kept.

use std::time::Duration;

use tokio::time::Instant;

use super::question::{Question, Subject};
use crate::cache::entitlement::Source;
use crate::error::ErrorKind;
use crate::model::payment::PaymentStatus;

/// When something happened: what came earlier has the lower number. Things that
/// follow from each other happen at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) number: u64,
    pub(super) at: Instant,
}

/// Something that was said, or will be, and bears on what may be handed out.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) about: Subject,
    /// `None` if nobody asked: it was primed or invalidated.
    pub(super) question: Option<Question>,
    pub(super) sent: Moment,
    /// `None` while it is under way.
    pub(super) arrived: Option<Arrived>,
    /// `get_fresh` gave it to its caller.
    pub(super) given_as_fresh: bool,
}

#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) when: Moment,
    pub(super) said: Said,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Status(PaymentStatus),
    Refused(ErrorKind),
    Outage(ErrorKind),
    /// By `invalidate`.
    Forgotten,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    GetFresh,
    GetCached,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) caller: usize,
    pub(super) method: Method,
    pub(super) question: Question,
    pub(super) began: Moment,
}

/// How long an answer is good, and how much longer a yes is in an outage.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) paid: Duration,
    pub(super) trial: Duration,
    pub(super) unpaid: Duration,
    pub(super) stale: Duration,
    /// The longest that a call may take.
    pub(super) deadline: Duration,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) times: Times,
    /// There is room for everything, so that nothing newer gives way to what is
    /// older for want of it.
    pub(super) roomy: bool,
    pub(super) words: Vec<Word>,
}

impl Model {
    /// Whether the caller may be given this word now, and if not, why.
    pub(super) fn judge(
        &self,
        call: &Call,
        word: &Word,
        source: Source,
        now: Moment,
    ) -> Result<(), String> {
        let wrong = |why: &str| Err(why.to_owned());
        let Some(Arrived { when: arrived, said: Said::Status(status) }) = &word.arrived else {
            return wrong("nobody said that");
        };
        if !call.question.is_answered_by(word.about) {
            return wrong("it is about another user or resource");
        }
        let awaited = *arrived > call.began && arrived.at == now.at && source != Source::Stale;
        if call.method == Method::GetFresh {
            let own = awaited && word.sent > call.began && word.question == Some(call.question);
            return match own && !word.given_as_fresh {
                true => Ok(()),
                false if word.is_yes() && self.was_told_no(call, now) => {
                    wrong("`get_fresh` gave a yes where its own request was told no")
                }
                false => wrong("`get_fresh` gave the answer to another request than its own"),
            };
        }
        let mut before = self.words.iter().filter(|it| it.arrived_before(call.began));
        if let Some(end) = before.find_map(|it| it.ends(word)) {
            return Err(format!("the caller asked after {end}, and it went out before"));
        }
        if awaited && call.method == Method::Get {
            return Ok(());
        }

        let earlier = || self.words.iter().filter(|it| it.had_arrived(call, now));
        if let Some(end) = earlier().find_map(|it| it.ends(word).or(it.refuses(word))) {
            return Err(format!("memory kept it against {end} that came after it went out"));
        }
        let stands = |yes: &Word| !earlier().any(|it| it.ends(yes).or(it.refuses(yes)).is_some());
        if self.roomy && earlier().any(|it| it.overtakes(word) && stands(it)) {
            return wrong("memory kept a no against a yes that went out after it");
        }
        if !self.was_told_by_token(call, word, now) {
            return wrong("no question with this token told it, or a refusal ended that");
        }
        let good_for = self.good_for(status);
        let age = now.at - word.sent.at;
        match source {
            Source::Stale if !status.grants_access() => wrong("a stale answer that is no yes"),
            Source::Stale if self.times.stale.is_zero() => wrong("a stale answer, unasked"),
            Source::Stale if age > good_for + self.times.stale => {
                wrong("too old even for an outage")
            }
            Source::Stale if !self.is_outage(call, now) => wrong("stale without an outage"),
            Source::Stale => Ok(()),
            _ if good_for.is_zero() => wrong("such a status is never kept"),
            _ if age > good_for => wrong("it is too old"),
            _ => Ok(()),
        }
    }

    /// Whether memory could have answered the caller at once, had it all the room.
    pub(super) fn could_give(&self, call: &Call) -> bool {
        let asked = call.method != Method::GetFresh && call.question.token.is_none();
        let allowed = |word: &Word| {
            word.arrived_before(call.began)
                && self.judge(call, word, Source::Cached, call.began).is_ok()
        };
        asked && self.words.iter().any(allowed)
    }

    fn good_for(&self, status: &PaymentStatus) -> Duration {
        match status {
            PaymentStatus::Paid => self.times.paid,
            PaymentStatus::Trial => self.times.trial,
            PaymentStatus::Unpaid => self.times.unpaid,
            PaymentStatus::NotSupported | PaymentStatus::Unknown(_) => Duration::ZERO,
        }
    }

    /// The request that was answered just now gave no access.
    fn was_told_no(&self, call: &Call, now: Moment) -> bool {
        self.words.iter().any(|it| {
            let now = it.arrived.as_ref().is_some_and(|it| it.when.at == now.at);
            now && it.question == Some(call.question) && !it.is_yes()
        })
    }

    /// A token names a user and a resource for as long as it is not refused.
    fn was_told_by_token(&self, call: &Call, word: &Word, now: Moment) -> bool {
        let Some(token) = call.question.token else { return true };
        let earlier = || self.words.iter().filter(|it| it.had_arrived(call, now));
        earlier().any(|told| {
            let by_token = told.question.is_some_and(|question| question.token == Some(token));
            let ended =
                || earlier().any(|it| it.refuses_token(call) && it.arrived_after(told.sent));
            by_token && told.status().is_some() && told.about == word.about && !ended()
        })
    }

    /// Figma could not be reached while the caller waited, or had asked to be
    /// left alone.
    fn is_outage(&self, call: &Call, now: Moment) -> bool {
        let waited = now.at - call.began.at >= self.times.deadline;
        let met = |it: &Word| match it.said() {
            Some(Said::Outage(ErrorKind::RateLimited)) => true,
            Some(Said::Outage(_)) => it.arrived_after(call.began),
            _ => false,
        };
        waited || self.words.iter().any(met)
    }
}

impl Word {
    pub(super) fn said(&self) -> Option<&Said> {
        self.arrived.as_ref().map(|it| &it.said)
    }

    fn status(&self) -> Option<&PaymentStatus> {
        let Some(Said::Status(status)) = self.said() else { return None };
        Some(status)
    }

    fn is_yes(&self) -> bool {
        self.status().is_some_and(PaymentStatus::grants_access)
    }

    fn arrived_before(&self, moment: Moment) -> bool {
        self.arrived.as_ref().is_some_and(|it| it.when < moment)
    }

    fn arrived_after(&self, moment: Moment) -> bool {
        self.arrived.as_ref().is_some_and(|it| it.when > moment)
    }

    /// Whether it had arrived when the caller was answered. At one instant there
    /// is at most one answer, and handing it on takes no time; `invalidate` or
    /// `prime` may have come in between.
    fn had_arrived(&self, call: &Call, now: Moment) -> bool {
        let at_once = self.question.is_some() && self.arrived_before(now);
        let earlier = self.arrived.as_ref().is_some_and(|it| it.when.at < now.at);
        at_once || earlier || self.arrived_before(call.began)
    }

    /// A no ends a yes, and `invalidate` everything, that went out before. Names it.
    fn ends(&self, word: &Word) -> Option<&'static str> {
        let earlier = self.about == word.about && self.arrived_after(word.sent);
        match self.said() {
            Some(Said::Forgotten) if earlier => Some("`invalidate`"),
            Some(Said::Status(_)) if earlier && word.is_yes() && !self.is_yes() => Some("a no"),
            _ => None,
        }
    }

    /// A refusal by user ends a yes that went out before, for those who ask later.
    fn refuses(&self, word: &Word) -> Option<&'static str> {
        let by_user = self.question.is_some_and(|question| question.token.is_none());
        let refused = by_user && matches!(self.said(), Some(Said::Refused(_)));
        let earlier = self.about == word.about && self.arrived_after(word.sent);
        (refused && earlier && word.is_yes()).then_some("a refusal")
    }

    /// 401 is about the token, any other refusal about the question.
    fn refuses_token(&self, call: &Call) -> bool {
        let Some(question) = self.question else { return false };
        match self.said() {
            Some(Said::Refused(ErrorKind::Unauthorized)) => question.token == call.question.token,
            Some(Said::Refused(_)) => question == call.question,
            _ => false,
        }
    }

    /// A yes that went out after this no had arrived.
    fn overtakes(&self, word: &Word) -> bool {
        let about = self.is_yes() && !word.is_yes() && self.about == word.about;
        about && word.arrived_before(self.sent)
    }
}
