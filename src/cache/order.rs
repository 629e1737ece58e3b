//! The order of what was asked and said. It decides which answers may be kept.
//!
//! A yes is kept only if its attempt went out after every no about the same user
//! and resource had arrived. A *no* is an answer without access, a refusal, or
//! [`invalidate`](crate::Entitlements::invalidate). Each attempt draws a number
//! just before it goes out, and each no draws one when it arrives and is noted
//! with it. So of two answers that were under way together, the one that gives
//! less access stands.
//!
//! Notes are bounded. When the oldest is let go, the floor rises to its number,
//! and no answer from below the floor is kept: what is lost costs a call, and never
//! gives access.

use std::collections::{HashMap, VecDeque};

use super::question::About;

/// As many noes are noted. They matter only for answers that are still under way.
const NOTED: usize = 10_000;

/// A place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sequence(u64);

pub(super) struct Order {
    last: Sequence,
    /// Of what was said up to here, not everything is noted any more.
    floor: Sequence,
    /// When the latest no about each of them arrived.
    noes: HashMap<About, Sequence>,
    /// The same, the oldest first, and those that a later one has replaced.
    by_age: VecDeque<(Sequence, About)>,
}

impl Order {
    pub(super) fn new() -> Self {
        Order {
            last: Sequence(0),
            floor: Sequence(0),
            noes: HashMap::new(),
            by_age: VecDeque::new(),
        }
    }

    /// The next number.
    pub(super) fn next(&mut self) -> Sequence {
        self.last = Sequence(self.last.0 + 1);
        self.last
    }

    /// A no has arrived.
    pub(super) fn note_no(&mut self, about: About) -> Sequence {
        let arrived = self.next();
        self.by_age.push_back((arrived, about.clone()));
        self.noes.insert(about, arrived);
        while self.by_age.len() > NOTED {
            let Some((oldest, about)) = self.by_age.pop_front() else { break };
            self.floor = oldest;
            if self.noes.get(&about) == Some(&oldest) {
                self.noes.remove(&about);
            }
        }
        arrived
    }

    /// Whether it is certain that no no about this arrived after an attempt went
    /// out at `sent`.
    pub(super) fn no_no_since(&self, sent: Sequence, about: &About) -> bool {
        sent > self.floor && self.latest_no(about).is_none_or(|no| no < sent)
    }

    /// Whether it is certain that no no about this arrived after this number.
    pub(super) fn is_last_word(&self, number: Sequence, about: &About) -> bool {
        number > self.floor && self.latest_no(about).is_none_or(|no| no <= number)
    }

    /// When the latest no about this arrived, if it is noted.
    fn latest_no(&self, about: &About) -> Option<Sequence> {
        self.noes.get(about).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::question::Subject;
    use crate::model::ids::UserId;
    use crate::model::resource::Resource;

    fn about(user: u64) -> About {
        let resource = Resource::plugin("1").unwrap();
        About::Subject(Subject { user: UserId::from(user), resource })
    }

    #[test]
    fn a_no_counts_for_what_went_out_before_it_arrived() {
        let mut order = Order::new();
        let before = order.next();
        order.note_no(about(1));
        let after = order.next();
        assert!(!order.no_no_since(before, &about(1)));
        assert!(order.no_no_since(after, &about(1)));
        assert!(order.no_no_since(before, &about(2)), "nothing was said about another user");
    }

    #[test]
    fn when_notes_are_lost_nothing_from_before_is_certain() {
        let mut order = Order::new();
        let before = order.next();
        for user in 0..=NOTED as u64 {
            order.note_no(about(user));
        }
        assert_eq!(order.latest_no(&about(0)), None, "the oldest was let go");
        assert!(!order.no_no_since(before, &about(0)));
        assert!(!order.no_no_since(before, &about(1_000_000)), "it may have been about anybody");
        let after = order.next();
        assert!(order.no_no_since(after, &about(0)));
        assert!(order.noes.len() <= NOTED && order.by_age.len() <= NOTED);
    }

    #[test]
    fn many_noes_about_one_user_take_no_more_room() {
        let mut order = Order::new();
        for _ in 0..3 * NOTED {
            order.note_no(about(1));
        }
        assert_eq!(order.noes.len(), 1);
        assert_eq!(order.by_age.len(), NOTED);
        let last = order.last;
        let next = order.next();
        assert!(order.no_no_since(next, &about(1)) && !order.no_no_since(last, &about(1)));
    }
}
