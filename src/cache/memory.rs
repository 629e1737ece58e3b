//! What is kept: under which key, and what is known by it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use equivalent::Equivalent;
use tokio::time::Instant;

use super::settings::Times;
use super::{Entitlement, Source};
use crate::{Error, PaymentInformation, Resource, ResourceType, UserId};

/// What was asked. Two hashes, keyed anew in every process, make 128 bits; they
/// cannot be turned back into the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    User(UserId, Resource),
    Token([u64; 2], Option<UserId>, Option<Resource>),
}

/// [`Key::User`], borrowed: look-ups need no copy.
#[derive(Hash)]
pub(super) struct ByUser<'a> {
    user_id: &'a str,
    resource_type: ResourceType,
    resource_id: &'a str,
}

impl<'a> ByUser<'a> {
    pub(super) fn new(user: &'a UserId, resource: &'a Resource) -> Self {
        let (resource_type, resource_id) = (resource.resource_type(), resource.id());
        ByUser { user_id: user.as_str(), resource_type, resource_id }
    }

    /// Whom and what an answer is about.
    pub(super) fn about(payment: &'a PaymentInformation) -> Self {
        let PaymentInformation { user_id, resource_type, resource_id, .. } = payment;
        ByUser { user_id, resource_type: resource_type.clone(), resource_id }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::User(user, resource) => ByUser::new(user, resource).hash(state),
            Key::Token(hashes, user, resource) => (hashes, user, resource).hash(state),
        }
    }
}

impl Equivalent<Key> for ByUser<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        let Key::User(user, resource) = key else { return false };
        self.user_id == user.as_str()
            && self.resource_id == resource.id()
            && self.resource_type == resource.resource_type()
    }
}

/// What is known; nothing after a refusal, or if it was forgotten. The ticket was
/// drawn when the question was asked: a lower one is older, whenever it arrives.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) ticket: u64,
    pub(super) known: Option<Arc<Known>>,
}

/// What came of a question, and what was known before if it was an error.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) known: Option<Arc<Known>>,
    pub(super) error: Option<Error>,
    pub(super) source: Source,
}

impl Outcome {
    pub(super) fn known(known: Arc<Known>, source: Source) -> Self {
        Outcome { known: Some(known), error: None, source }
    }
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) payment: Arc<PaymentInformation>,
    asked_at: Instant,
    checked_at: SystemTime,
}

impl Known {
    pub(super) fn new(payment: PaymentInformation, asked_at: Instant) -> Arc<Self> {
        let (payment, checked_at) = (Arc::new(payment), SystemTime::now());
        Arc::new(Known { payment, asked_at, checked_at })
    }

    /// By the clock that goes on steadily, and by the calendar, for machines that
    /// were suspended.
    fn age(&self) -> Duration {
        self.asked_at.elapsed().max(self.checked_at.elapsed().unwrap_or_default())
    }

    pub(super) fn is_good(&self, times: &Times) -> bool {
        self.age() < times.good_for(&self.payment.payment_status)
    }

    pub(super) fn may_bridge(&self, times: &Times) -> bool {
        let good_for = times.good_for(&self.payment.payment_status).saturating_add(times.stale);
        self.payment.grants_access() && !times.stale.is_zero() && self.age() < good_for
    }

    pub(super) fn entitlement(&self, source: Source) -> Entitlement {
        let (payment, checked_at) = (Arc::clone(&self.payment), self.checked_at);
        Entitlement { payment, source, checked_at }
    }
}
