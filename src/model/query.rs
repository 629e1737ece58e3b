//! The question. A query has exactly one way to ask, because no other can be made.

use std::fmt;

use serde::Deserialize;

use crate::api::types::PaymentInformation;
use crate::error::{Error, ErrorKind};
use crate::model::credentials::PluginPaymentToken;
use crate::model::ids::UserId;
use crate::model::resource::Resource;

/// Has this user paid for this resource? There are two ways to ask. A query that is
/// neither of them cannot be made.
///
/// The answer is compared with the query before you get it. If it is about another
/// user or resource, you get [`ErrorKind::Mismatch`].
///
/// ```
/// use figma_payments::{PaymentQuery, PluginPaymentToken, Resource, UserId};
///
/// let plugin = Resource::plugin("1678669904810665842")?;
/// let by_user = PaymentQuery::by_user(UserId::try_from("500123")?, plugin.clone());
/// let by_token = PaymentQuery::by_token(PluginPaymentToken::new("ppt_…")?, plugin);
/// # Ok::<(), figma_payments::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentQuery {
    ask: Ask,
    expected_user: Option<UserId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Ask {
    User(UserId, Resource),
    Token(PluginPaymentToken, Option<Resource>),
}

/// The two ways to ask. Figma has a rate limit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AskedBy {
    /// By user and resource.
    User,
    /// By payment token.
    Token,
}

impl PaymentQuery {
    /// Asks by user and resource.
    pub fn by_user(user: UserId, resource: Resource) -> Self {
        PaymentQuery { ask: Ask::User(user, resource), expected_user: None }
    }

    /// Asks by a payment token, which has to be for `resource`. If you sell several
    /// plugins, this keeps a token of a cheap one from giving access to an expensive
    /// one.
    pub fn by_token(token: PluginPaymentToken, resource: Resource) -> Self {
        PaymentQuery { ask: Ask::Token(token, Some(resource)), expected_user: None }
    }

    /// Asks by a payment token for whatever resource it is for. Look at
    /// [`PaymentInformation::resource`] before you grant anything.
    pub fn by_token_any_resource(token: PluginPaymentToken) -> Self {
        PaymentQuery { ask: Ask::Token(token, None), expected_user: None }
    }

    /// Also requires that the answer is about this user.
    #[must_use]
    pub fn expecting_user(mut self, user: UserId) -> Self {
        self.expected_user = Some(user);
        self
    }

    /// Which of the two ways to ask this is.
    pub fn asked_by(&self) -> AskedBy {
        match &self.ask {
            Ask::User(..) => AskedBy::User,
            Ask::Token(..) => AskedBy::Token,
        }
    }

    pub(crate) fn payment_token(&self) -> Option<&PluginPaymentToken> {
        match &self.ask {
            Ask::User(..) => None,
            Ask::Token(token, _) => Some(token),
        }
    }

    /// Refuses a query by user that expects another user.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match (&self.ask, &self.expected_user) {
            (Ask::User(user, _), Some(expected)) if user != expected => Err(Error::invalid_query(
                "the query asks about one user, and `expecting_user` names another; name the same user, or leave it out",
            )),
            _ => Ok(()),
        }
    }

    /// The user asked about or expected, if the question names one.
    pub fn user(&self) -> Option<&UserId> {
        match &self.ask {
            Ask::User(user, _) => Some(user),
            Ask::Token(..) => self.expected_user.as_ref(),
        }
    }

    /// The resource asked about, if the question names one.
    pub fn resource(&self) -> Option<&Resource> {
        match &self.ask {
            Ask::User(_, resource) => Some(resource),
            Ask::Token(_, resource) => resource.as_ref(),
        }
    }

    /// The values of the query parameters, in the order of the generated method:
    /// community_file_id, plugin_id, plugin_payment_token, user_id, widget_id.
    pub(crate) fn parameters(&self) -> [Option<&str>; 5] {
        match &self.ask {
            Ask::Token(token, _) => [None, None, Some(token.as_str()), None, None],
            Ask::User(user, resource) => {
                let (user, id) = (Some(user.as_str()), Some(resource.id()));
                match resource {
                    Resource::CommunityFile(_) => [id, None, None, user, None],
                    Resource::Plugin(_) => [None, id, None, user, None],
                    Resource::Widget(_) => [None, None, None, user, id],
                }
            }
        }
    }

    /// Whether the answer is one to this question. The error names no user: it
    /// will be logged.
    pub(crate) fn verify(&self, answer: &PaymentInformation) -> Result<(), Error> {
        let asked = match &self.ask {
            Ask::User(user, _) => Some(user),
            Ask::Token(..) => None,
        };
        let mut users = asked.into_iter().chain(&self.expected_user);
        if users.any(|user| answer.user_id != user.as_str()) {
            return Err(Error::new(ErrorKind::Mismatch, "the answer is about another user"));
        }
        let (id, kind) = (&answer.resource_id, &answer.resource_type);
        let other = |asked: &&Resource| asked.id() != id || asked.resource_type() != *kind;
        let Some(asked) = self.resource().filter(other) else { return Ok(()) };
        let answered = answer.resource();
        let answered = answered.map_or("one that is not known".into(), |it| it.to_string());
        let message = format!("asked about {asked}, the answer is about {answered}");
        Err(Error::new(ErrorKind::Mismatch, message))
    }
}

/// The five query parameters of the API as they come from outside: from a form,
/// a JSON body, a command line. `TryFrom` makes a [`PaymentQuery`] of the four
/// combinations that are valid, and says of every other what is wrong:
///
/// - `plugin_payment_token` alone (as [`PaymentQuery::by_token_any_resource`]), or
/// - `user_id` with exactly one of `community_file_id`, `plugin_id`, `widget_id`.
///
/// A token alone asks about *any* resource of yours: compare
/// [`PaymentInformation::resource`] before you grant anything, or take the token
/// out and use [`PaymentQuery::by_token`]. And never grant access to a user id
/// that the client only claims.
///
/// In JSON, ids are text: a number fails in serde already. `null` and absent are
/// the same, empty text is an error, unknown keys are ignored.
///
/// ```
/// use figma_payments::{PaymentParams, PaymentQuery};
///
/// let params: PaymentParams = serde_json::from_str(r#"{ "user_id": "500123" }"#)?;
/// let error = PaymentQuery::try_from(params).unwrap_err();
/// assert!(error.to_string().contains("without a resource"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, Deserialize)]
#[non_exhaustive]
pub struct PaymentParams {
    /// The token that `getPluginPaymentTokenAsync` returned in the plugin.
    pub plugin_payment_token: Option<String>,
    /// The user to ask about.
    pub user_id: Option<String>,
    /// The Community file to ask about.
    pub community_file_id: Option<String>,
    /// The plugin to ask about.
    pub plugin_id: Option<String>,
    /// The widget to ask about.
    pub widget_id: Option<String>,
}

/// Says which parameters are given, and nothing of their values.
impl fmt::Debug for PaymentParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.given().into_iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

impl TryFrom<PaymentParams> for PaymentQuery {
    type Error = Error;

    fn try_from(params: PaymentParams) -> Result<Self, Error> {
        const EXPECTED: &str = "give either plugin_payment_token alone, or user_id with exactly one of community_file_id, plugin_id and widget_id";
        let given = params.given();
        let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
        let refuse = |why: &str| {
            let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            Err(Error::invalid_query(format!("{why} (given: {names}); {EXPECTED}")))
        };
        if let Some((name, _)) = given.iter().find(|(_, value)| value.is_empty()) {
            return refuse(&format!("{name} is empty"));
        }
        let resources = [
            params.community_file_id.as_deref().map(Resource::community_file),
            params.plugin_id.as_deref().map(Resource::plugin),
            params.widget_id.as_deref().map(Resource::widget),
        ];
        let mut resources = resources.into_iter().flatten();
        let (resource, another) = (resources.next(), resources.next());
        match (params.plugin_payment_token, params.user_id, resource) {
            (Some(token), None, None) => {
                Ok(PaymentQuery::by_token_any_resource(PluginPaymentToken::new(token)?))
            }
            (Some(_), _, _) => refuse("a payment token together with ids is ambiguous"),
            (None, _, _) if another.is_some() => refuse("several resources are named"),
            (None, Some(user), Some(resource)) => {
                Ok(PaymentQuery::by_user(user.try_into()?, resource?))
            }
            (None, Some(_), None) => refuse("a user is named without a resource"),
            (None, None, Some(_)) => refuse("a resource is named without a user"),
            (None, None, None) => refuse("no parameter is named"),
        }
    }
}

impl PaymentParams {
    /// The parameters that are given, by name.
    fn given(&self) -> Vec<(&'static str, &str)> {
        let named = [
            ("plugin_payment_token", &self.plugin_payment_token),
            ("user_id", &self.user_id),
            ("community_file_id", &self.community_file_id),
            ("plugin_id", &self.plugin_id),
            ("widget_id", &self.widget_id),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}
