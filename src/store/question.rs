//! The keys of the cache: what was asked, and which user and resource an answer is about.

use std::hash::BuildHasher;

use crate::api::types::PaymentInformation;
use crate::model::ids::UserId;
use crate::model::query::PaymentQuery;
use crate::model::resource::Resource;
use crate::platform::hasher::KeyedHasher;

/// A user and a resource: what an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub(crate) user: UserId,
    pub(crate) resource: Resource,
}

impl Subject {
    /// `None` if the answer names an unknown kind of resource.
    pub(crate) fn of(payment: &PaymentInformation) -> Option<Self> {
        let user = UserId::try_from(payment.user_id.as_str()).ok()?;
        Some(Subject { user, resource: payment.resource()? })
    }
}

/// What was asked. Calls with the same question can share an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    ByUser(Subject),
    ByToken(TokenQuestion),
}

/// A question by payment token, and what it expects the answer to be about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenQuestion {
    pub(crate) token: TokenHash,
    user: Option<UserId>,
    resource: Option<Resource>,
}

/// Two keyed hashes of a payment token. The cache keeps these and not the token, which
/// cannot be computed from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u64; 2]);

/// Who or what was denied; see `order.rs`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Denied {
    Subject(Subject),
    /// A refused token says nothing about its user, because a forged token is refused
    /// in the same way.
    Token(TokenHash),
}

impl Question {
    /// The payment token, if this is a question by token.
    pub(crate) fn token(&self) -> Option<&TokenHash> {
        match self {
            Question::ByUser(_) => None,
            Question::ByToken(question) => Some(&question.token),
        }
    }

    /// Who or what is denied when Figma refuses this question.
    pub(crate) fn denied(&self) -> Denied {
        match self {
            Question::ByUser(subject) => Denied::Subject(subject.clone()),
            Question::ByToken(question) => Denied::Token(question.token),
        }
    }
}

/// Turns queries into questions. Its two hash keys are random, and new in every cache.
#[derive(Default)]
pub(crate) struct Questions {
    hashers: [KeyedHasher; 2],
}

impl Questions {
    pub(crate) fn of(&self, query: &PaymentQuery) -> Question {
        match (query.payment_token(), query.user(), query.resource()) {
            (None, Some(user), Some(resource)) => {
                Question::ByUser(Subject { user: user.clone(), resource: resource.clone() })
            }
            (token, user, resource) => {
                let token = token.map(|token| token.as_str());
                let hashes = self.hashers.each_ref().map(|hasher| hasher.hash_one(token));
                Question::ByToken(TokenQuestion {
                    token: TokenHash(hashes),
                    user: user.cloned(),
                    resource: resource.cloned(),
                })
            }
        }
    }
}
