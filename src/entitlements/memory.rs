//! What is kept: under which key, and what is known by it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

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

/// What came of asking, and what was known before if it was an error.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) known: Option<Arc<Known>>,
    pub(super) error: Option<Error>,
}

impl Entry {
    /// What is known, while it is good. An error never stands in memory: the
    /// next one asks again.
    pub(super) fn good(&self, times: &Times) -> Option<&Arc<Known>> {
        let known = self.known.as_ref().filter(|_| self.error.is_none())?;
        known.is_good(times).then_some(known)
    }
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) payment: Arc<PaymentInformation>,
    at: Instant,
    checked_at: SystemTime,
    /// Whether something newer is known of the same user and resource, or they
    /// were forgotten.
    outdated: AtomicBool,
}

impl Known {
    pub(super) fn now(payment: PaymentInformation) -> Arc<Self> {
        let (at, checked_at) = (Instant::now(), SystemTime::now());
        let payment = Arc::new(payment);
        Arc::new(Known { payment, at, checked_at, outdated: AtomicBool::new(false) })
    }

    pub(super) fn is_good(&self, times: &Times) -> bool {
        let good_for = times.good_for(&self.payment.payment_status);
        !self.outdated.load(Ordering::Relaxed) && self.at.elapsed() < good_for
    }

    pub(super) fn may_bridge(&self, times: &Times) -> bool {
        let good_for = times.good_for(&self.payment.payment_status).saturating_add(times.stale);
        self.payment.grants_access() && !times.stale.is_zero() && self.at.elapsed() < good_for
    }

    pub(super) fn outdate(&self) {
        self.outdated.store(true, Ordering::Relaxed);
    }

    pub(super) fn entitlement(&self, source: Source) -> Entitlement {
        Entitlement { payment: Arc::clone(&self.payment), source, checked_at: self.checked_at }
    }
}
