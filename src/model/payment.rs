//! The answer. Its model is generated. The types of two of its fields are written by
//! hand here, because the published documents disagree about their shape.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::api::types::PaymentInformation;
use crate::model::api_enum::{JsonStr, api_enum};
use crate::model::ids::UserId;
use crate::model::resource::{Resource, ResourceType};

impl PaymentInformation {
    /// Makes an answer without asking Figma, for tests and for `Entitlements::prime`.
    /// It has no `date_of_purchase`.
    ///
    /// ```
    /// use figma_payments::{PaymentInformation, PaymentStatus, Resource, UserId};
    ///
    /// let user = UserId::try_from("500123")?;
    /// let plugin = Resource::plugin("1122334455")?;
    /// let mut payment = PaymentInformation::new(&user, &plugin, PaymentStatus::Paid);
    /// payment.date_of_purchase = Some("2024-06-15T14:30:00Z".into());
    /// # Ok::<(), figma_payments::Error>(())
    /// ```
    pub fn new(user: &UserId, resource: &Resource, status: PaymentStatus) -> Self {
        PaymentInformation {
            user_id: user.to_string(),
            resource_id: resource.id().to_owned(),
            resource_type: resource.resource_type(),
            payment_status: status,
            date_of_purchase: None,
        }
    }

    /// Whether the user has access: true for PAID and TRIAL, and for no other status.
    /// The `date_of_purchase` does not matter, because it stays after a refund.
    ///
    /// ```
    /// # use figma_payments::PaymentInformation;
    /// # fn answer(payment: PaymentInformation) -> u16 {
    /// if payment.grants_access() { 200 } else { 402 }
    /// # }
    /// ```
    pub fn grants_access(&self) -> bool {
        self.payment_status.grants_access()
    }

    /// The resource that the answer is about. `None` if the answer names a kind of
    /// resource that this version does not know, or a malformed id. Such an answer
    /// never matches a query that names a resource.
    pub fn resource(&self) -> Option<Resource> {
        match self.resource_type {
            ResourceType::Plugin => Resource::plugin(&self.resource_id).ok(),
            ResourceType::Widget => Resource::widget(&self.resource_id).ok(),
            ResourceType::CommunityFile => Resource::community_file(&self.resource_id).ok(),
            ResourceType::Unknown(_) => None,
        }
    }
}

api_enum! {
    /// Whether a user has paid for a resource.
    ///
    /// It is read from each shape that was published: text (`"PAID"`), an object with
    /// `type`, or an object with `status`. An object with both is an error if they
    /// differ. A status that is missing, null or new becomes
    /// [`Unknown`](Self::Unknown) and gives no access. It is written as text.
    PaymentStatus {
        /// An active purchase.
        Paid = "PAID",
        /// In the trial period of a subscription.
        Trial = "TRIAL",
        /// No purchase, or one that was refunded or has lapsed.
        Unpaid = "UNPAID",
        /// In Figma's plugin API this means an internal error. It gives no access.
        NotSupported = "NOT_SUPPORTED",
    }
}

impl PaymentStatus {
    /// Whether it gives access: [`Paid`](Self::Paid) and [`Trial`](Self::Trial) do.
    pub fn grants_access(&self) -> bool {
        match self {
            PaymentStatus::Paid | PaymentStatus::Trial => true,
            PaymentStatus::Unpaid | PaymentStatus::NotSupported | PaymentStatus::Unknown(_) => {
                false
            }
        }
    }
}

impl<'de> Deserialize<'de> for PaymentStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl<'de> Visitor<'de> for Shapes {
            type Value = PaymentStatus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a payment status: text, or an object with `type` or `status`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(text.into())
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok("".into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found: Option<PaymentStatus> = None;
                while let Some(JsonStr(key)) = map.next_key()? {
                    if key != "type" && key != "status" {
                        map.next_value::<de::IgnoredAny>()?;
                        continue;
                    }
                    let Some(JsonStr(text)) = map.next_value()? else { continue };
                    let status = PaymentStatus::from(&*text);
                    if found.as_ref().is_some_and(|found| *found != status) {
                        return Err(de::Error::custom(
                            "two payment statuses that contradict each other",
                        ));
                    }
                    found = Some(status);
                }
                Ok(found.unwrap_or("".into()))
            }
        }

        deserializer.deserialize_any(Shapes)
    }
}

/// When the user bought the resource, as the server wrote it. The document says that
/// it is a UTC ISO 8601 timestamp, such as `2024-06-15T14:30:00Z`.
///
/// It stays after a refund or an ended subscription (npm `@figma/rest-api-spec`
/// 0.43.0), so it does not prove a purchase. It is kept as text, so that an unusual
/// date does not make the whole answer an error. Parse it with the date library you
/// use.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct DateOfPurchase(String);

impl DateOfPurchase {
    /// The timestamp as the server wrote it. It may be any text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for DateOfPurchase {
    fn from(text: &str) -> Self {
        DateOfPurchase(text.to_owned())
    }
}

/// Keeps a string as it is, and any other value as its JSON text.
impl<'de> Deserialize<'de> for DateOfPurchase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(DateOfPurchase(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}
