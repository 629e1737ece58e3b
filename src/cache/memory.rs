//! The answers in this process, the user and resource of each payment token, and the
//! order that decides which answers are kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::entitlement::{Entitlement, Source};
use super::metrics::Entries;
use super::order::{Order, Sequence};
use super::question::{Denied, Question, Subject, TokenHash};
use super::time_to_live::TimesToLive;
use crate::api::types::PaymentInformation;
use crate::platform::clock::{Calendar, Instant};
use quick_cache::sync::Cache;

/// An answer of Figma's, and when it was asked for.
#[derive(Debug)]
pub(super) struct CachedAnswer {
    pub(super) payment: Arc<PaymentInformation>,
    /// An answer with access counts from when its attempt was sent, a denial from when
    /// it arrived.
    sequence: Sequence,
    /// The attempt that brought it.
    sent: Sent,
}

impl CachedAnswer {
    /// The longer of two ages: by the process's clock and by the system's date, because the
    /// process's clock stops while a machine is suspended.
    fn age(&self) -> Duration {
        let by_date = Calendar::now().duration_since(self.sent.date);
        self.sent.at.elapsed().max(by_date.unwrap_or_default())
    }

    pub(super) fn is_valid(&self, times: &TimesToLive) -> bool {
        self.age() < times.of(&self.payment.payment_status)
    }

    /// Whether it may be given in an outage, when it is stale.
    pub(super) fn is_valid_in_outage(&self, times: &TimesToLive) -> bool {
        let longest = times.of(&self.payment.payment_status).saturating_add(times.stale);
        self.payment.grants_access() && !times.stale.is_zero() && self.age() < longest
    }

    pub(super) fn entitlement(&self, source: Source) -> Entitlement {
        let payment = Arc::clone(&self.payment);
        Entitlement { payment, source, checked_at: self.sent.date }
    }
}

/// An attempt that was sent.
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
    /// Whether it is certain that no denial arrived while it was under way.
    pub(super) undisputed: bool,
}

pub(super) struct Memory {
    answers: Cache<Subject, Arc<CachedAnswer>>,
    /// The user and resource of each payment token. They never change.
    tokens: Cache<TokenHash, Subject>,
    /// Locked for every change of an answer, but not for reading one.
    order: Mutex<Order>,
    entries: Entries,
}

impl Memory {
    pub(super) fn new(max_entries: u64) -> Self {
        let max_entries = usize::try_from(max_entries).unwrap_or(usize::MAX);
        Memory {
            answers: Cache::new(max_entries),
            tokens: Cache::new(max_entries),
            order: Mutex::new(Order::new()),
            entries: Entries::none(),
        }
    }

    /// The answer in memory, however old it is.
    pub(super) fn look_up(&self, question: &Question) -> Option<Arc<CachedAnswer>> {
        match question {
            Question::ByUser(subject) => self.answers.get(subject),
            Question::ByToken(question) => self.answers.get(&self.tokens.get(&question.token)?),
        }
    }

    /// The next number in the order.
    pub(super) fn now(&self) -> Sequence {
        self.order().next()
    }

    /// Draws a number for an attempt that is sent now.
    pub(super) fn send(&self) -> Sent {
        Sent { sequence: self.now(), at: Instant::now(), date: Calendar::now() }
    }

    /// Decides whether an answer that has arrived is kept.
    pub(super) fn settle(
        &self,
        question: &Question,
        sent: Sent,
        payment: PaymentInformation,
    ) -> Settled {
        self.settle_in(&mut self.order(), question, sent, payment)
    }

    fn settle_in(
        &self,
        order: &mut Order,
        question: &Question,
        sent: Sent,
        payment: PaymentInformation,
    ) -> Settled {
        let subject = Subject::of(&payment);
        let denied = subject.clone().map(Denied::Subject);
        let subject_undisputed =
            denied.iter().all(|denied| order.no_denial_since(sent.sequence, denied));
        let undisputed =
            subject_undisputed && order.no_denial_since(sent.sequence, &question.denied());
        let is_denial = !payment.grants_access();
        let sequence = match denied {
            Some(denied) if is_denial => order.record_denial(denied),
            _ => sent.sequence,
        };
        let answer = Arc::new(CachedAnswer { payment: Arc::new(payment), sequence, sent });
        let Some(subject) = subject else {
            return Settled { answer, undisputed };
        };

        let cached = self.answers.peek(&subject);
        let newer = cached.is_some_and(|cached| cached.sequence > sent.sequence);
        if is_denial {
            // Before the check below: the old answer must go even if this one is not kept.
            self.answers.remove(&subject);
        }
        // A refused token says nothing about its user, so it is not looked at here.
        if subject_undisputed && !newer {
            self.answers.insert(subject.clone(), Arc::clone(&answer));
        }
        self.entries.set(|| self.answers.len());
        if let (Question::ByToken(question), true) = (question, undisputed) {
            self.tokens.insert(question.token, subject);
        }
        Settled { answer, undisputed }
    }

    /// Removes the answer to a question that Figma has refused.
    pub(super) fn refused(&self, question: &Question) {
        let mut order = self.order();
        match question {
            Question::ByUser(subject) => drop(self.answers.remove(subject)),
            Question::ByToken(question) => drop(self.tokens.remove(&question.token)),
        }
        self.entries.set(|| self.answers.len());
        order.record_denial(question.denied());
    }

    /// Handles an answer that is not about what was asked. If it is a denial, it counts
    /// for the user and resource that it names.
    pub(super) fn mismatched(&self, payment: &PaymentInformation) {
        if let Some(subject) = Subject::of(payment).filter(|_| !payment.grants_access()) {
            self.invalidate(subject);
        }
    }

    pub(super) fn invalidate(&self, subject: Subject) {
        let mut order = self.order();
        self.answers.remove(&subject);
        self.entries.set(|| self.answers.len());
        order.record_denial(Denied::Subject(subject));
    }

    /// Keeps an answer from elsewhere, as if it were asked for and answered now.
    pub(super) fn prime(&self, payment: PaymentInformation) {
        if let Some(subject) = Subject::of(&payment) {
            self.settle(&Question::ByUser(subject), self.send(), payment);
        }
    }

    /// Keeps an answer of this date, unless there is a newer answer or denial.
    pub(super) fn prime_at(&self, payment: PaymentInformation, checked_at: SystemTime) {
        let Some(subject) = Subject::of(&payment) else { return };
        let now = Calendar::now();
        let date = checked_at.min(now);
        let age = now.duration_since(date).unwrap_or_default();
        let mut order = self.order();
        let denied = Denied::Subject(subject.clone());
        let cached = self.answers.peek(&subject);
        let newer = cached.is_some_and(|cached| cached.sent.date > date);
        if newer || !order.no_denial_after_date(date, &denied) {
            return;
        }
        let at = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        let sent = Sent { sequence: order.next(), at, date };
        self.settle_in(&mut order, &Question::ByUser(subject), sent, payment);
    }

    /// Whether a call that asked at `asked`, and waited for the question of another
    /// call, may have that answer: only if no denial arrived since it was sent, or if
    /// the call asked before that.
    pub(super) fn may_have(&self, asked: Sequence, question: &Question, settled: &Settled) -> bool {
        let subject = Subject::of(&settled.answer.payment).map(Denied::Subject);
        let order = self.order();
        let no_denial_after = |it: &Denied| order.no_denial_after(settled.answer.sequence, it);
        let still_undisputed = subject.iter().chain([&question.denied()]).all(no_denial_after);
        asked < settled.answer.sent.sequence || (settled.undisputed && still_undisputed)
    }

    /// Whether it is certain that no denial of this question arrived since `sent`.
    pub(super) fn no_denial_since(&self, sent: Sequence, question: &Question) -> bool {
        self.order().no_denial_since(sent, &question.denied())
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::UserId;
    use crate::model::payment::PaymentStatus;
    use crate::model::resource::Resource;

    const HOUR: Duration = Duration::from_secs(3600);

    fn times() -> TimesToLive {
        TimesToLive { paid: 2 * HOUR, ..TimesToLive::default() }
    }

    fn payment(status: PaymentStatus) -> PaymentInformation {
        PaymentInformation::new(&UserId::from(7), &Resource::plugin("1").unwrap(), status)
    }

    fn question() -> Question {
        Question::ByUser(Subject::of(&payment(PaymentStatus::Paid)).unwrap())
    }

    fn status(memory: &Memory) -> Option<PaymentStatus> {
        memory.look_up(&question()).map(|cached| cached.payment.payment_status.clone())
    }

    #[test]
    fn the_age_of_an_answer_includes_the_time_a_machine_was_suspended() {
        let memory = Memory::new(10);
        let paid = payment(PaymentStatus::Paid);
        // tokio's clock has stopped meanwhile, and the system's date has not.
        let sent = Sent { date: SystemTime::now() - 3 * HOUR, ..memory.send() };
        memory.settle(&question(), sent, paid.clone());
        assert!(!memory.look_up(&question()).unwrap().is_valid(&times()));
        memory.settle(&question(), memory.send(), paid);
        assert!(memory.look_up(&question()).unwrap().is_valid(&times()));
    }

    #[test]
    fn an_older_answer_is_kept_for_what_is_left_of_its_time_to_live() {
        let memory = Memory::new(10);
        for (age, valid) in [(HOUR, true), (3 * HOUR, false), (100_000 * HOUR, false)] {
            let memory = Memory::new(10);
            memory.prime_at(payment(PaymentStatus::Paid), SystemTime::now() - age);
            assert_eq!(memory.look_up(&question()).unwrap().is_valid(&times()), valid, "{age:?}");
        }
        memory.prime_at(payment(PaymentStatus::Paid), SystemTime::now() + HOUR);
        let checked_at = memory.look_up(&question()).unwrap().sent.date;
        assert!(checked_at <= SystemTime::now(), "the date is not in the future");
    }

    #[test]
    fn an_older_answer_never_replaces_a_newer_one() {
        let memory = Memory::new(10);
        memory.prime(payment(PaymentStatus::Paid));
        memory.prime_at(payment(PaymentStatus::Unpaid), SystemTime::now() - HOUR);
        assert_eq!(status(&memory), Some(PaymentStatus::Paid));
        memory.prime(payment(PaymentStatus::Unpaid));
        memory.prime_at(payment(PaymentStatus::Paid), SystemTime::now() - HOUR);
        assert_eq!(status(&memory), Some(PaymentStatus::Unpaid));
        memory.invalidate(Subject::of(&payment(PaymentStatus::Paid)).unwrap());
        memory.prime_at(payment(PaymentStatus::Paid), SystemTime::now() - HOUR);
        assert_eq!(status(&memory), None, "the denial came after that date");
        memory.prime_at(payment(PaymentStatus::Paid), SystemTime::now());
        assert_eq!(status(&memory), Some(PaymentStatus::Paid));
    }
}
