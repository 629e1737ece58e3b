//! The answers in this process, the user and resource of each payment token, and the
//! order that decides which answers are kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::answer::{CachedAnswer, Sent, Settled};
use super::metrics::Entries;
use super::order::{Order, Sequence};
use super::question::{Denied, Question, Subject, TokenHash};
use crate::api::types::PaymentInformation;
use crate::platform::clock::Calendar;
use quick_cache::sync::Cache;

pub(crate) struct Memory {
    answers: Cache<Subject, Arc<CachedAnswer>>,
    /// The user and resource of each payment token. They never change.
    tokens: Cache<TokenHash, Subject>,
    /// Locked for every change of an answer, but not for reading one.
    order: Mutex<Order>,
    entries: Entries,
}

impl Memory {
    pub(crate) fn new(max_entries: u64) -> Self {
        let max_entries = usize::try_from(max_entries).unwrap_or(usize::MAX);
        Memory {
            answers: Cache::new(max_entries),
            tokens: Cache::new(max_entries),
            order: Mutex::new(Order::new()),
            entries: Entries::none(),
        }
    }

    /// The answer in memory, however old it is.
    pub(crate) fn look_up(&self, question: &Question) -> Option<Arc<CachedAnswer>> {
        match question {
            Question::ByUser(subject) => self.answers.get(subject),
            Question::ByToken(question) => self.answers.get(&self.tokens.get(&question.token)?),
        }
    }

    /// The next number in the order.
    pub(crate) fn now(&self) -> Sequence {
        self.order().next()
    }

    /// Draws a number for an attempt that is sent now.
    pub(crate) fn send(&self) -> Sent {
        Sent::now(self.now())
    }

    /// Decides whether an answer that has arrived is kept.
    pub(crate) fn settle(
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
    pub(crate) fn refused(&self, question: &Question) {
        let mut order = self.order();
        match question {
            Question::ByUser(subject) => drop(self.answers.remove(subject)),
            Question::ByToken(question) => drop(self.tokens.remove(&question.token)),
        }
        self.entries.set(|| self.answers.len());
        order.record_denial(question.denied());
    }

    pub(crate) fn invalidate(&self, subject: Subject) {
        let mut order = self.order();
        self.answers.remove(&subject);
        self.entries.set(|| self.answers.len());
        order.record_denial(Denied::Subject(subject));
    }

    /// A denial has arrived that some other store keeps.
    #[cfg(feature = "redis")]
    pub(crate) fn record_denial(&self, denied: Denied) -> Sequence {
        let mut order = self.order();
        match &denied {
            Denied::Subject(subject) => drop(self.answers.remove(subject)),
            Denied::Token(token) => drop(self.tokens.remove(token)),
        }
        order.record_denial(denied)
    }

    /// Forgets all answers. The order stays.
    #[cfg(feature = "redis")]
    pub(crate) fn clear(&self) {
        self.answers.clear();
        self.tokens.clear();
        self.entries.set(|| 0);
    }

    /// Keeps an answer from elsewhere, as if it were asked for and answered now.
    pub(crate) fn prime(&self, payment: PaymentInformation) {
        if let Some(subject) = Subject::of(&payment) {
            self.settle(&Question::ByUser(subject), self.send(), payment);
        }
    }

    /// Keeps an answer of this date, unless there is a newer answer or denial.
    pub(crate) fn prime_at(&self, payment: PaymentInformation, checked_at: SystemTime) {
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
        let sent = Sent { date, ..Sent::ago(age, order.next()) };
        self.settle_in(&mut order, &Question::ByUser(subject), sent, payment);
    }

    /// Whether a call that asked at `asked`, and waited for the question of another
    /// call, may have that answer: only if no denial arrived since it was sent, or if
    /// the call asked before that.
    pub(crate) fn may_have(&self, asked: Sequence, question: &Question, settled: &Settled) -> bool {
        let subject = Subject::of(&settled.answer.payment).map(Denied::Subject);
        let order = self.order();
        let no_denial_after = |it: &Denied| order.no_denial_after(settled.answer.sequence, it);
        let still_undisputed = subject.iter().chain([&question.denied()]).all(no_denial_after);
        asked < settled.answer.sent.sequence || (settled.undisputed && still_undisputed)
    }

    /// Whether it is certain that no denial of this question arrived since `sent`.
    pub(crate) fn no_denial_since(&self, sent: Sequence, question: &Question) -> bool {
        self.order().no_denial_since(sent, &question.denied())
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::ids::UserId;
    use crate::model::payment::PaymentStatus;
    use crate::model::resource::Resource;
    use crate::store::answer::Freshness;
    use crate::store::time_to_live::{Lifetime, TimesToLive};

    const HOUR: Duration = Duration::from_secs(3600);

    fn times() -> TimesToLive {
        TimesToLive { paid: Lifetime::of(2 * HOUR), ..TimesToLive::default() }
    }

    fn payment(status: PaymentStatus) -> PaymentInformation {
        PaymentInformation::new(&UserId::from(7), &Resource::plugin("1").unwrap(), status)
    }

    fn question() -> Question {
        Question::ByUser(Subject::of(&payment(PaymentStatus::Paid)).unwrap())
    }

    fn is_valid(memory: &Memory) -> bool {
        memory.look_up(&question()).unwrap().freshness(&times()) != Freshness::Old
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
        assert!(!is_valid(&memory));
        memory.settle(&question(), memory.send(), paid);
        assert!(is_valid(&memory));
    }

    #[test]
    fn an_older_answer_is_kept_for_what_is_left_of_its_time_to_live() {
        let memory = Memory::new(10);
        for (age, valid) in [(HOUR, true), (3 * HOUR, false), (100_000 * HOUR, false)] {
            let memory = Memory::new(10);
            memory.prime_at(payment(PaymentStatus::Paid), SystemTime::now() - age);
            assert_eq!(is_valid(&memory), valid, "{age:?}");
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
