//! What this process knows: answers, which payment token is about whom, and the
//! order that decides what is kept. A store that processes share keeps the same
//! rules by the same operations: send, settle, invalidate, prime.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::order::{Order, Sequence};
use super::question::{About, Question, Subject, TokenHash};
use super::settings::TimesToLive;
use super::{Entitlement, Source};
use crate::api::types::PaymentInformation;

/// An answer of Figma's, and when it was asked for.
#[derive(Debug)]
pub(super) struct CachedAnswer {
    pub(super) payment: Arc<PaymentInformation>,
    /// A yes counts from when its attempt went out, a no from when it arrived.
    sequence: Sequence,
    /// The attempt that brought it.
    sent: Sent,
}

impl CachedAnswer {
    /// By the clock that goes on steadily, and by the calendar, for machines that
    /// were suspended.
    fn age(&self) -> Duration {
        self.sent.at.elapsed().max(self.sent.date.elapsed().unwrap_or_default())
    }

    pub(super) fn is_good(&self, times: &TimesToLive) -> bool {
        self.age() < times.of(&self.payment.payment_status)
    }

    /// Whether it may be given in an outage, beyond its time.
    pub(super) fn bridges_outage(&self, times: &TimesToLive) -> bool {
        let good_for = times.of(&self.payment.payment_status).saturating_add(times.stale);
        self.payment.grants_access() && !times.stale.is_zero() && self.age() < good_for
    }

    pub(super) fn entitlement(&self, source: Source) -> Entitlement {
        let payment = Arc::clone(&self.payment);
        Entitlement { payment, source, checked_at: self.sent.date }
    }
}

/// An attempt that went out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) sequence: Sequence,
    at: Instant,
    date: SystemTime,
}

/// An answer that has arrived.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) answer: Arc<CachedAnswer>,
    /// Whether it is certain that no no arrived while it was under way.
    pub(super) certain: bool,
}

pub(super) struct Memory {
    answers: Cache<Subject, Arc<CachedAnswer>>,
    /// Whom and what a payment token is about. That never changes.
    tokens: Cache<TokenHash, Subject>,
    /// Locked for every change of an answer. A look takes no lock of ours.
    order: Mutex<Order>,
}

impl Memory {
    pub(super) fn new(max_entries: u64) -> Self {
        let max_entries = usize::try_from(max_entries).unwrap_or(usize::MAX);
        Memory {
            answers: Cache::new(max_entries),
            tokens: Cache::new(max_entries),
            order: Mutex::new(Order::new()),
        }
    }

    /// What is known, be it good or not.
    pub(super) fn look_up(&self, question: &Question) -> Option<Arc<CachedAnswer>> {
        match question {
            Question::ByUser(subject) => self.answers.get(subject),
            Question::ByToken(question) => self.answers.get(&self.tokens.get(&question.token)?),
        }
    }

    /// A place in the order: now.
    pub(super) fn now(&self) -> Sequence {
        self.order().next()
    }

    /// An attempt goes out.
    pub(super) fn send(&self) -> Sent {
        Sent { sequence: self.now(), at: Instant::now(), date: SystemTime::now() }
    }

    /// The answer to an attempt has arrived.
    pub(super) fn settle(
        &self,
        question: &Question,
        sent: Sent,
        payment: PaymentInformation,
    ) -> Settled {
        let mut order = self.order();
        let subject = Subject::of(&payment);
        let about = subject.clone().map(About::Subject);
        let of_subject = about.iter().all(|about| order.no_no_since(sent.sequence, about));
        // A refusal by token says nothing of the user.
        let certain = of_subject && order.no_no_since(sent.sequence, &question.about());
        let is_yes = payment.grants_access();
        let sequence = match &about {
            Some(about) if !is_yes => order.note_no(about.clone()),
            _ => sent.sequence,
        };
        let answer = Arc::new(CachedAnswer { payment: Arc::new(payment), sequence, sent });
        let Some(subject) = subject else {
            return Settled { answer, certain };
        };

        let known = self.answers.peek(&subject);
        let newer = known.is_some_and(|known| known.sequence > sent.sequence);
        if !is_yes {
            // First of all: whatever becomes of this answer, the old one is gone.
            self.answers.remove(&subject);
        }
        if of_subject && !newer {
            self.answers.insert(subject.clone(), Arc::clone(&answer));
        }
        if let (Question::ByToken(question), true) = (question, certain) {
            self.tokens.insert(question.token, subject);
        }
        Settled { answer, certain }
    }

    /// Figma has refused the question: what was known by it is known no more.
    pub(super) fn refused(&self, question: &Question) {
        let mut order = self.order();
        match question {
            Question::ByUser(subject) => drop(self.answers.remove(subject)),
            Question::ByToken(question) => drop(self.tokens.remove(&question.token)),
        }
        order.note_no(question.about());
    }

    /// An answer to somebody who asked about something else. A no in it counts.
    pub(super) fn heard(&self, payment: &PaymentInformation) {
        if let Some(subject) = Subject::of(payment).filter(|_| !payment.grants_access()) {
            self.invalidate(subject);
        }
    }

    pub(super) fn invalidate(&self, subject: Subject) {
        let mut order = self.order();
        self.answers.remove(&subject);
        order.note_no(About::Subject(subject));
    }

    /// Keeps an answer that was got in another way, as if it were asked for and
    /// given now.
    pub(super) fn prime(&self, payment: PaymentInformation) {
        if let Some(subject) = Subject::of(&payment) {
            self.settle(&Question::ByUser(subject), self.send(), payment);
        }
    }

    /// Whether somebody who asked at `asked`, and waited for somebody else's
    /// question, may have its answer: only if nothing was said since it was sent,
    /// or if they asked before that.
    pub(super) fn may_have(&self, asked: Sequence, question: &Question, settled: &Settled) -> bool {
        let about = Subject::of(&settled.answer.payment).map(About::Subject);
        let order = self.order();
        let is_last_word = |it: &About| order.is_last_word(settled.answer.sequence, it);
        let still_certain = about.iter().chain([&question.about()]).all(is_last_word);
        asked < settled.answer.sent.sequence || (settled.certain && still_certain)
    }

    /// Whether it is certain that no no to this question arrived since `sent`.
    pub(super) fn no_no_since(&self, sent: Sequence, question: &Question) -> bool {
        self.order().no_no_since(sent, &question.about())
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Entitlements;
    use crate::client::Client;
    use crate::model::credentials::PersonalAccessToken;
    use crate::model::payment::PaymentStatus;
    use crate::model::resource::ResourceType;

    #[test]
    fn an_answer_that_slept_with_the_machine_is_old() {
        let token = PersonalAccessToken::new("figd_x").unwrap();
        let client = Client::builder(token).base_url("http://127.0.0.1:1").build().unwrap();
        let times = *Entitlements::builder(client).times();
        let memory = Memory::new(10);
        let payment = PaymentInformation {
            date_of_purchase: None,
            payment_status: PaymentStatus::Paid,
            resource_id: "1".to_owned(),
            resource_type: ResourceType::Plugin,
            user_id: "7".to_owned(),
        };
        let question = Question::ByUser(Subject::of(&payment).unwrap());
        // The steady clock stands still meanwhile, and the calendar does not.
        let asleep = Duration::from_secs(3600);
        let sent = Sent { date: SystemTime::now() - asleep, ..memory.send() };
        memory.settle(&question, sent, payment.clone());
        assert!(!memory.look_up(&question).unwrap().is_good(&times));
        memory.settle(&question, memory.send(), payment);
        assert!(memory.look_up(&question).unwrap().is_good(&times));
    }
}
