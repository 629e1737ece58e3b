//! Users, resources and tokens, which are numbered, and the questions about them.

use std::fmt;

use crate::api::types::PaymentInformation;
use crate::model::credentials::PluginPaymentToken;
use crate::model::ids::UserId;
use crate::model::query::PaymentQuery;
use crate::model::resource::Resource;

/// A user and a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) user: u8,
    pub(super) resource: u8,
}

/// A payment token. A user may have several for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) subject: Subject,
    pub(super) number: u8,
}

/// A question by token, or by user and resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) token: Option<Token>,
    pub(super) user: Option<u8>,
    pub(super) resource: Option<u8>,
}

impl Subject {
    pub(super) fn user_id(self) -> UserId {
        UserId::from(u64::from(self.user) + 1)
    }

    pub(super) fn resource(self) -> Resource {
        Resource::plugin((u32::from(self.resource) + 1).to_string()).unwrap()
    }
}

impl Question {
    pub(super) fn by_user(subject: Subject) -> Self {
        Question { token: None, user: Some(subject.user), resource: Some(subject.resource) }
    }

    /// Makes this the same question about another subject.
    pub(super) fn change_subject(&mut self, subject: Subject) {
        self.user = self.user.map(|_| subject.user);
        self.resource = self.resource.map(|_| subject.resource);
        self.token = self.token.map(|token| Token { subject, ..token });
    }

    pub(super) fn is_answered_by(&self, about: Subject) -> bool {
        self.token.is_none_or(|token| token.subject == about)
            && self.user.is_none_or(|user| user == about.user)
            && self.resource.is_none_or(|resource| resource == about.resource)
    }

    /// The subject of the answer. With a token it is the token's, even if the question
    /// expects another one.
    pub(super) fn subject(&self) -> Subject {
        self.token.map_or(self.named_subject(), |token| token.subject)
    }

    /// The user and resource that the question names; 0 for those that it does not name.
    fn named_subject(&self) -> Subject {
        Subject { user: self.user.unwrap_or(0), resource: self.resource.unwrap_or(0) }
    }

    pub(super) fn query(&self) -> PaymentQuery {
        let named = self.named_subject();
        let Some(token) = self.token else {
            return PaymentQuery::by_user(named.user_id(), named.resource());
        };
        let Token { subject: Subject { user, resource }, number } = token;
        let text = PluginPaymentToken::new(format!("ppt_{user}_{resource}_{number}")).unwrap();
        let query = match self.resource {
            Some(_) => PaymentQuery::by_token(text, named.resource()),
            None => PaymentQuery::by_token_any_resource(text),
        };
        if self.user.is_some() { query.expecting_user(named.user_id()) } else { query }
    }

    /// The question that [`query`](Self::query) turned into this query.
    pub(super) fn of(query: &PaymentQuery) -> Self {
        let one_less = |id: &str| id.parse::<u8>().unwrap() - 1;
        Question {
            token: query.payment_token().map(|token| {
                let mut numbers = token.as_str().split('_').skip(1).map(|it| it.parse().unwrap());
                let mut next = || numbers.next().unwrap();
                Token { subject: Subject { user: next(), resource: next() }, number: next() }
            }),
            user: query.user().map(|user| one_less(user.as_str())),
            resource: query.resource().map(|resource| one_less(resource.id())),
        }
    }
}

/// The subject of an answer; `None` if the answer is about a user from `PrimeOthers`.
pub(super) fn about(payment: &PaymentInformation) -> Option<Subject> {
    let user = payment.user_id.parse::<u8>().ok()?.checked_sub(1)?;
    let resource = payment.resource_id.parse::<u8>().ok()?.checked_sub(1)?;
    Some(Subject { user, resource })
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {} and plugin {}", self.user, self.resource)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Token { subject, number }) = self.token else {
            return write!(f, "by {}", self.subject());
        };
        write!(f, "by token {number} of {subject}")?;
        match self.resource {
            Some(resource) if resource == subject.resource => {}
            Some(resource) => write!(f, ", for plugin {resource}")?,
            None => f.write_str(", for any plugin")?,
        }
        self.user.map_or(Ok(()), |user| write!(f, ", expecting user {user}"))
    }
}
