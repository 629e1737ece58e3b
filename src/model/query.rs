//! The query: it asks either by user and resource, or by payment token.

use std::fmt;

use serde::Deserialize;

use crate::api::types::PaymentInformation;
use crate::error::{Error, ErrorKind};
use crate::model::credentials::PluginPaymentToken;
use crate::model::ids::UserId;
use crate::model::resource::Resource;

/// The question whether a user has paid for a resource. There are two ways to ask it:
/// by user and resource, or by payment token.
///
/// The client compares each answer with the query. If the answer is about another user
/// or resource, you get [`ErrorKind::Mismatch`] instead.
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

impl AskedBy {
    /// Its name in logs and metrics: `user` or `token`.
    pub fn as_str(self) -> &'static str {
        match self {
            AskedBy::User => "user",
            AskedBy::Token => "token",
        }
    }
}

/// Prints the [name](Self::as_str).
impl fmt::Display for AskedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The query parameters of the request.
#[derive(Default)]
pub(crate) struct QueryParameters<'a> {
    pub(crate) community_file_id: Option<&'a str>,
    pub(crate) plugin_id: Option<&'a str>,
    pub(crate) plugin_payment_token: Option<&'a str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) widget_id: Option<&'a str>,
}

impl PaymentQuery {
    /// Asks by user and resource.
    pub fn by_user(user: UserId, resource: Resource) -> Self {
        PaymentQuery { ask: Ask::User(user, resource), expected_user: None }
    }

    /// Asks by payment token, and requires that the token is for `resource`. If you
    /// sell several plugins, a token of a cheap one then gives no access to an
    /// expensive one.
    pub fn by_token(token: PluginPaymentToken, resource: Resource) -> Self {
        PaymentQuery { ask: Ask::Token(token, Some(resource)), expected_user: None }
    }

    /// Asks by payment token, for any resource of yours. Check
    /// [`PaymentInformation::resource`] before you give access.
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

    /// Refuses a query by user that expects a different user.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match (&self.ask, &self.expected_user) {
            (Ask::User(user, _), Some(expected)) if user != expected => Err(Error::invalid_query(
                "the query asks about one user, and `expecting_user` names another; name the same user, or leave it out",
            )),
            _ => Ok(()),
        }
    }

    /// The user that the query asks about or expects, if it names one.
    pub fn user(&self) -> Option<&UserId> {
        match &self.ask {
            Ask::User(user, _) => Some(user),
            Ask::Token(..) => self.expected_user.as_ref(),
        }
    }

    /// The resource that the query asks about, if it names one.
    pub fn resource(&self) -> Option<&Resource> {
        match &self.ask {
            Ask::User(_, resource) => Some(resource),
            Ask::Token(_, resource) => resource.as_ref(),
        }
    }

    pub(crate) fn parameters(&self) -> QueryParameters<'_> {
        match &self.ask {
            Ask::Token(token, _) => QueryParameters {
                plugin_payment_token: Some(token.as_str()),
                ..QueryParameters::default()
            },
            Ask::User(user, resource) => {
                let id = Some(resource.id());
                let of_user =
                    QueryParameters { user_id: Some(user.as_str()), ..QueryParameters::default() };
                match resource {
                    Resource::CommunityFile(_) => {
                        QueryParameters { community_file_id: id, ..of_user }
                    }
                    Resource::Plugin(_) => QueryParameters { plugin_id: id, ..of_user },
                    Resource::Widget(_) => QueryParameters { widget_id: id, ..of_user },
                }
            }
        }
    }

    /// Checks that the answer is about what was asked. The error does not quote the
    /// users, because it will be logged.
    pub(crate) fn verify(&self, answer: &PaymentInformation) -> Result<(), Error> {
        let asked_user = match &self.ask {
            Ask::User(user, _) => Some(user),
            Ask::Token(..) => None,
        };
        let mut users = asked_user.into_iter().chain(&self.expected_user);
        if users.any(|user| answer.user_id != user.as_str()) {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "the answer is about another user than the query; give no access",
            ));
        }
        let Some(asked) = self.resource() else { return Ok(()) };
        let same_id = asked.id() == answer.resource_id;
        if same_id && asked.resource_type() == answer.resource_type {
            return Ok(());
        }
        let answered = match answer.resource() {
            Some(resource) => resource.to_string(),
            None => "a resource that this version does not know".to_owned(),
        };
        Err(Error::new(
            ErrorKind::Mismatch,
            format!(
                "the query is about {asked}, but the answer is about {answered}; give no access"
            ),
        ))
    }
}

/// The five query parameters of the API as they come from outside: from a form,
/// a JSON body or a command line. `TryFrom` turns them into a [`PaymentQuery`]. Valid
/// are:
///
/// - `plugin_payment_token` alone (as [`PaymentQuery::by_token_any_resource`]), or
/// - `user_id` with exactly one of `community_file_id`, `plugin_id`, `widget_id`.
///
/// For any other combination the error says what is wrong.
///
/// A token alone asks about *any* resource of yours: check
/// [`PaymentInformation::resource`] before you give access, or use
/// [`PaymentQuery::by_token`] with the token instead. And never give access for a user
/// id that only the client claims.
///
/// In JSON, ids are text; serde refuses numbers. `null` means absent, empty text is an
/// error, and unknown keys are ignored.
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

/// Prints which parameters are given, but not their values.
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
        let resource = resources.next();
        let second_resource = resources.next();
        match (params.plugin_payment_token, params.user_id, resource) {
            (Some(token), None, None) => {
                Ok(PaymentQuery::by_token_any_resource(PluginPaymentToken::new(token)?))
            }
            (Some(_), _, _) => refuse("a payment token and ids are given together"),
            (None, _, _) if second_resource.is_some() => refuse("several resources are given"),
            (None, Some(user), Some(resource)) => {
                Ok(PaymentQuery::by_user(user.try_into()?, resource?))
            }
            (None, Some(_), None) => refuse("a user is given without a resource"),
            (None, None, Some(_)) => refuse("a resource is given without a user"),
            (None, None, None) => refuse("no parameter is given"),
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
