//! The order of requests and denials. It decides which answers may be kept.
//!
//! A *denial* is an answer without access, a refusal, or
//! [`invalidate`](crate::Entitlements::invalidate). The rule: an answer with access is
//! kept only if its request was sent after every denial about the same user and
//! resource had arrived. So if two answers were under way at the same time, the one
//! that gives less access counts.
//!
//! For that each attempt draws a number just before it is sent, and each denial draws
//! one when it arrives and is recorded with it.
//!
//! The records are bounded. When the oldest is removed, the floor rises to its number,
//! and no answer to a request from below the floor is kept. That costs a call to
//! Figma, and never gives access.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use super::question::Denied;
use crate::platform::clock::Calendar;

/// How many denials are recorded. They matter only for answers still under way.
const MAX_RECORDS: usize = 10_000;

/// A place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    /// A share of this time, from nothing to all of it. The shares of numbers that follow
    /// each other are spread evenly, because they are multiples of the golden ratio.
    pub(crate) fn share_of(self, time: Duration) -> Duration {
        let share = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        time.mul_f64(share as f64 / f64::from(u32::MAX))
    }
}

/// When a denial arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arrival {
    sequence: Sequence,
    date: SystemTime,
}

pub(crate) struct Order {
    last: Sequence,
    /// The latest denial that is no longer recorded.
    floor: Arrival,
    /// The latest denial of each.
    denials: HashMap<Denied, Arrival>,
    /// The same, oldest first, with those that a later one has replaced.
    by_age: VecDeque<(Arrival, Denied)>,
}

impl Order {
    pub(crate) fn new() -> Self {
        Order {
            last: Sequence(0),
            floor: Arrival { sequence: Sequence(0), date: SystemTime::UNIX_EPOCH },
            denials: HashMap::new(),
            by_age: VecDeque::new(),
        }
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> Sequence {
        self.last = Sequence(self.last.0 + 1);
        self.last
    }

    /// Records a denial that has arrived now.
    pub(crate) fn record_denial(&mut self, denied: Denied) -> Sequence {
        let arrival = Arrival { sequence: self.next(), date: Calendar::now() };
        self.by_age.push_back((arrival, denied.clone()));
        self.denials.insert(denied, arrival);
        while self.by_age.len() > MAX_RECORDS {
            let Some((oldest, denied)) = self.by_age.pop_front() else { break };
            self.floor = oldest;
            if self.denials.get(&denied) == Some(&oldest) {
                self.denials.remove(&denied);
            }
        }
        arrival.sequence
    }

    /// Whether it is certain that no denial arrived after an attempt drew `sent`.
    pub(crate) fn no_denial_since(&self, sent: Sequence, denied: &Denied) -> bool {
        sent > self.floor.sequence
            && self.latest_denial(denied).is_none_or(|latest| latest.sequence < sent)
    }

    /// Whether it is certain that no denial arrived after the one with this number.
    pub(crate) fn no_denial_after(&self, number: Sequence, denied: &Denied) -> bool {
        number > self.floor.sequence
            && self.latest_denial(denied).is_none_or(|latest| latest.sequence <= number)
    }

    /// Whether it is certain that no denial arrived after this date.
    pub(crate) fn no_denial_after_date(&self, date: SystemTime, denied: &Denied) -> bool {
        date > self.floor.date && self.latest_denial(denied).is_none_or(|it| it.date < date)
    }

    /// The latest denial, if it is recorded.
    fn latest_denial(&self, denied: &Denied) -> Option<Arrival> {
        self.denials.get(denied).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::UserId;
    use crate::model::resource::Resource;
    use crate::store::question::Subject;

    fn user(user: u64) -> Denied {
        let resource = Resource::plugin("1").unwrap();
        Denied::Subject(Subject { user: UserId::from(user), resource })
    }

    #[test]
    fn a_denial_counts_for_what_was_sent_before_it_arrived() {
        let mut order = Order::new();
        let before = order.next();
        order.record_denial(user(1));
        let after = order.next();
        assert!(!order.no_denial_since(before, &user(1)));
        assert!(order.no_denial_since(after, &user(1)));
        assert!(order.no_denial_since(before, &user(2)), "the denial is about another user");
    }

    #[test]
    fn a_denial_is_the_last_word_until_the_next_one() {
        let mut order = Order::new();
        let first = order.record_denial(user(1));
        assert!(order.no_denial_after(first, &user(1)));
        let second = order.record_denial(user(1));
        assert!(!order.no_denial_after(first, &user(1)));
        assert!(order.no_denial_after(second, &user(1)));
        assert!(order.no_denial_after(first, &user(2)), "nobody denied another user");
    }

    #[test]
    fn a_denial_counts_for_answers_with_a_date_before_it() {
        let mut order = Order::new();
        let before = SystemTime::now();
        order.record_denial(user(1));
        assert!(!order.no_denial_after_date(before, &user(1)));
        assert!(order.no_denial_after_date(before, &user(2)));
        assert!(order.no_denial_after_date(SystemTime::now(), &user(1)));
    }

    #[test]
    fn when_records_are_removed_nothing_from_before_is_certain() {
        let mut order = Order::new();
        let before = order.next();
        let date = SystemTime::now();
        for number in 0..=MAX_RECORDS as u64 {
            order.record_denial(user(number));
        }
        assert_eq!(order.latest_denial(&user(0)), None, "the oldest was removed");
        assert!(!order.no_denial_since(before, &user(0)));
        assert!(
            !order.no_denial_since(before, &user(1_000_000)),
            "a removed record may have been about any user"
        );
        assert!(!order.no_denial_after_date(date, &user(1_000_000)));
        assert!(!order.no_denial_after_date(order.floor.date, &user(1_000_000)), "not later");
        let later = order.floor.date + std::time::Duration::from_nanos(1);
        assert!(order.no_denial_after_date(later, &user(1_000_000)));
        let after = order.next();
        assert!(order.no_denial_since(after, &user(0)));
        assert!(!order.no_denial_after(before, &user(0)));
        assert!(!order.no_denial_after(order.floor.sequence, &user(0)));
        assert!(order.no_denial_after(after, &user(0)));
        assert!(order.denials.len() <= MAX_RECORDS && order.by_age.len() <= MAX_RECORDS);
    }

    #[test]
    fn many_denials_of_one_user_take_no_more_memory() {
        let mut order = Order::new();
        for _ in 0..3 * MAX_RECORDS {
            order.record_denial(user(1));
        }
        assert_eq!(order.denials.len(), 1);
        assert_eq!(order.by_age.len(), MAX_RECORDS);
        let last = order.last;
        let next = order.next();
        assert!(order.no_denial_since(next, &user(1)) && !order.no_denial_since(last, &user(1)));
    }
}
