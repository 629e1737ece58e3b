//! A user's purchase of a resource, and its JSON form.

use serde::{Deserialize, Serialize};

use crate::model::ids::UserId;
use crate::model::payment::{DateOfPurchase, PaymentStatus};
use crate::model::query::{PaymentParams, PaymentQuery};
use crate::model::resource::Resource;

/// What a user has bought.
///
/// As JSON: `{"user_id": "500123", "plugin_id": "1122334455", "payment_status":
/// "PAID", "date_of_purchase": "2024-06-15T14:30:00Z"}`, with `widget_id` or
/// `community_file_id` for the other kinds. Reading is strict, so that a typing error is
/// not read as a user without access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PurchaseJson", into = "PurchaseJson")]
#[non_exhaustive]
pub struct Purchase {
    /// The user.
    pub user: UserId,
    /// The resource.
    pub resource: Resource,
    /// The payment status in answers.
    pub status: PaymentStatus,
    /// The date of purchase. It stays after a refund or an ended subscription.
    pub date_of_purchase: Option<DateOfPurchase>,
}

impl Purchase {
    /// An active purchase.
    pub fn paid(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::unpaid(user, resource).with(PaymentStatus::Paid, date)
    }

    /// The trial period of a subscription.
    pub fn trial(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::unpaid(user, resource).with(PaymentStatus::Trial, date)
    }

    /// A user who never bought the resource.
    pub fn unpaid(user: &UserId, resource: &Resource) -> Self {
        Purchase {
            user: user.clone(),
            resource: resource.clone(),
            status: PaymentStatus::Unpaid,
            date_of_purchase: None,
        }
    }

    /// A purchase that was refunded: it is UNPAID and keeps its date.
    pub fn refunded(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::unpaid(user, resource).with(PaymentStatus::Unpaid, date)
    }

    /// A subscription that has ended. The API answers the same as for a refund.
    pub fn lapsed(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::refunded(user, resource, date)
    }

    fn with(self, status: PaymentStatus, date: &str) -> Self {
        Purchase { status, date_of_purchase: Some(date.into()), ..self }
    }
}

/// The JSON form of a [`Purchase`], with the API's own names.
#[derive(Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a purchase, which is an object with user_id, plugin_id and payment_status"
)]
struct PurchaseJson {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    community_file_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    widget_id: Option<String>,
    payment_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_of_purchase: Option<String>,
}

impl TryFrom<PurchaseJson> for Purchase {
    type Error = String;

    fn try_from(json: PurchaseJson) -> Result<Self, String> {
        let status = PaymentStatus::from(&*json.payment_status);
        if matches!(status, PaymentStatus::Unknown(_)) {
            return Err(format!(
                "payment_status is {:?}; it has to be one of {}",
                json.payment_status,
                PaymentStatus::KNOWN.join(", ")
            ));
        }
        if let Some(date) = json.date_of_purchase.as_ref().filter(|date| !is_utc(date)) {
            return Err(format!(
                "date_of_purchase is {date:?}; it has to be a UTC timestamp like 2024-06-15T14:30:00Z"
            ));
        }
        let (user, resource) = user_and_resource(PaymentParams {
            plugin_payment_token: None,
            user_id: Some(json.user_id),
            community_file_id: json.community_file_id,
            plugin_id: json.plugin_id,
            widget_id: json.widget_id,
        })?;
        let date_of_purchase = json.date_of_purchase.as_deref().map(DateOfPurchase::from);
        Ok(Purchase { user, resource, status, date_of_purchase })
    }
}

impl From<Purchase> for PurchaseJson {
    fn from(purchase: Purchase) -> Self {
        let id = |wanted: bool| wanted.then(|| purchase.resource.id().to_owned());
        PurchaseJson {
            user_id: purchase.user.to_string(),
            community_file_id: id(matches!(purchase.resource, Resource::CommunityFile(_))),
            plugin_id: id(matches!(purchase.resource, Resource::Plugin(_))),
            widget_id: id(matches!(purchase.resource, Resource::Widget(_))),
            payment_status: purchase.status.to_string(),
            date_of_purchase: purchase.date_of_purchase.map(|date| date.as_str().to_owned()),
        }
    }
}

/// The user and resource of parameters without a payment token.
fn user_and_resource(params: PaymentParams) -> Result<(UserId, Resource), String> {
    let query = PaymentQuery::try_from(params).map_err(|error| error.to_string())?;
    match (query.user(), query.resource()) {
        (Some(user), Some(resource)) => Ok((user.clone(), resource.clone())),
        _ => Err("give user_id, and one of plugin_id, widget_id and community_file_id".into()),
    }
}

/// Whether the date is like `2024-06-15T14:30:00Z`, with or without a fraction of seconds.
fn is_utc(date: &str) -> bool {
    let Some((seconds, fraction)) =
        date.strip_suffix('Z').and_then(|date| date.split_at_checked(19))
    else {
        return false;
    };
    let shape: String =
        seconds.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    let number = |at: std::ops::Range<usize>| seconds[at].parse::<u8>().unwrap_or(u8::MAX);
    let digits = fraction.strip_prefix('.');
    shape == "0000-00-00T00:00:00"
        && (1..=12).contains(&number(5..7))
        && (1..=31).contains(&number(8..10))
        && number(11..13) < 24
        && number(14..16) < 60
        && number(17..19) < 60
        && (fraction.is_empty()
            || digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit())))
}
