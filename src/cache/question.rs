//! What is asked, as the cache knows it, and whom and what an answer is about.

use std::hash::{BuildHasher, RandomState};

use crate::api::types::PaymentInformation;
use crate::model::ids::UserId;
use crate::model::query::PaymentQuery;
use crate::model::resource::Resource;

/// A user and a resource: what an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub(super) user: UserId,
    pub(super) resource: Resource,
}

impl Subject {
    /// Nothing if the answer names an unknown kind of resource.
    pub(super) fn of(payment: &PaymentInformation) -> Option<Self> {
        let user = UserId::try_from(payment.user_id.as_str()).ok()?;
        Some(Subject { user, resource: payment.resource()? })
    }
}

/// What was asked. Whoever asks the same gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Question {
    ByUser(Subject),
    ByToken(TokenQuestion),
}

/// A question by payment token, and what it expects the answer to be about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TokenQuestion {
    pub(super) token: TokenHash,
    user: Option<UserId>,
    resource: Option<Resource>,
}

/// Two keyed hashes that stand for a payment token in this process. They cannot be
/// turned back into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u64; 2]);

/// What a no is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum About {
    Subject(Subject),
    /// A refusal by token says nothing of the user: a forged token has the same
    /// answer.
    Token(TokenHash),
}

impl Question {
    /// What a refusal of this question is about.
    pub(super) fn about(&self) -> About {
        match self {
            Question::ByUser(subject) => About::Subject(subject.clone()),
            Question::ByToken(question) => About::Token(question.token),
        }
    }
}

/// Makes questions of queries. Its two keys are new in every process.
#[derive(Default)]
pub(super) struct Questions {
    hashers: [RandomState; 2],
}

impl Questions {
    pub(super) fn of(&self, query: &PaymentQuery) -> Question {
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
