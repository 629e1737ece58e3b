//! Where a user stands with a resource, also as a line of a state file.

use serde::{Deserialize, Serialize};

use crate::model::ids::UserId;
use crate::model::payment::{DateOfPurchase, PaymentStatus};
use crate::model::query::{PaymentParams, PaymentQuery};
use crate::model::resource::Resource;

/// Where a user stands with a resource.
///
/// As JSON: `{"user_id": "500123", "plugin_id": "1122334455", "payment_status":
/// "PAID", "date_of_purchase": "2024-06-15T14:30:00Z"}`, with `widget_id` or
/// `community_file_id` for the other kinds. Reading is strict, so that a slip of
/// the pen does not become a buyer without access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Line", into = "Line")]
#[non_exhaustive]
pub struct Purchase {
    /// Who.
    pub user: UserId,
    /// What.
    pub resource: Resource,
    /// What an answer says of it.
    pub status: PaymentStatus,
    /// Stays after a refund or an ended subscription.
    pub date_of_purchase: Option<DateOfPurchase>,
}

impl Purchase {
    /// An active purchase.
    pub fn paid(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::unpaid(user, resource).but(PaymentStatus::Paid, date)
    }

    /// The trial period of a subscription.
    pub fn trial(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::unpaid(user, resource).but(PaymentStatus::Trial, date)
    }

    /// No purchase ever.
    pub fn unpaid(user: &UserId, resource: &Resource) -> Self {
        Purchase {
            user: user.clone(),
            resource: resource.clone(),
            status: PaymentStatus::Unpaid,
            date_of_purchase: None,
        }
    }

    /// A purchase that was paid back: UNPAID, and it keeps its date.
    pub fn refunded(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::unpaid(user, resource).but(PaymentStatus::Unpaid, date)
    }

    /// A subscription that has ended: the API does not tell it from a refund.
    pub fn lapsed(user: &UserId, resource: &Resource, date: &str) -> Self {
        Purchase::refunded(user, resource, date)
    }

    fn but(self, status: PaymentStatus, date: &str) -> Self {
        Purchase { status, date_of_purchase: Some(date.into()), ..self }
    }
}

/// The same in the API's own words.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
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

impl TryFrom<Line> for Purchase {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let status = PaymentStatus::from(&*line.payment_status);
        if matches!(status, PaymentStatus::Unknown(_)) {
            return Err(format!(
                "payment_status is {:?}; it has to be one of {}",
                line.payment_status,
                PaymentStatus::KNOWN.join(", ")
            ));
        }
        if let Some(date) = line.date_of_purchase.as_ref().filter(|date| !is_utc(date)) {
            return Err(format!(
                "date_of_purchase is {date:?}; a UTC timestamp like 2024-06-15T14:30:00Z is expected"
            ));
        }
        let (user, resource) = whom(PaymentParams {
            plugin_payment_token: None,
            user_id: Some(line.user_id),
            community_file_id: line.community_file_id,
            plugin_id: line.plugin_id,
            widget_id: line.widget_id,
        })?;
        let date_of_purchase = line.date_of_purchase.as_deref().map(DateOfPurchase::from);
        Ok(Purchase { user, resource, status, date_of_purchase })
    }
}

impl From<Purchase> for Line {
    fn from(purchase: Purchase) -> Self {
        let id = |wanted: bool| wanted.then(|| purchase.resource.id().to_owned());
        Line {
            user_id: purchase.user.to_string(),
            community_file_id: id(matches!(purchase.resource, Resource::CommunityFile(_))),
            plugin_id: id(matches!(purchase.resource, Resource::Plugin(_))),
            widget_id: id(matches!(purchase.resource, Resource::Widget(_))),
            payment_status: purchase.status.to_string(),
            date_of_purchase: purchase.date_of_purchase.map(|date| date.as_str().to_owned()),
        }
    }
}

/// Whom the parameters are about, if they ask by user and resource.
pub(super) fn whom(params: PaymentParams) -> Result<(UserId, Resource), String> {
    let query = PaymentQuery::try_from(params).map_err(|error| error.to_string())?;
    match (query.user(), query.resource()) {
        (Some(user), Some(resource)) => Ok((user.clone(), resource.clone())),
        _ => {
            Err("user_id and one of plugin_id, widget_id and community_file_id are expected".into())
        }
    }
}

/// `2024-06-15T14:30:00Z`, with a fraction or without.
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
