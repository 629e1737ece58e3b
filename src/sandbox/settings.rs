//! Settings for what Figma's documents leave open, or contradict each other about.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::limits::FigmaLimits;
use crate::model::credentials::PersonalAccessToken;
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::resource::Resource;

pub(super) const ACCESS_TOKEN: &str = "figd_sandbox";

/// How the sandbox behaves where Figma's documents leave it open, or contradict each
/// other. Change them with [`Figma::configure`](super::Figma::configure).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The JSON shape of `payment_status`. The default is [`Text`](StatusShape::Text).
    pub shape: StatusShape,
    /// Whether a payment token can be used only once. The default is `false`.
    pub single_use_tokens: bool,
    /// How long a payment token is valid. The default is 10 minutes. Figma's documentation
    /// says that they are short-lived, but not how short.
    pub token_lifetime: Duration,
    /// The rate limits. The default is [`FigmaLimits::default`].
    pub limits: FigmaLimits,
    /// The owner of the resources. The owner is always UNPAID, as Figma's documentation
    /// says. The default is `None`.
    pub owner: Option<UserId>,
    /// Resources of another owner. Queries about them are answered with 403.
    pub foreign: BTreeSet<Resource>,
    /// The access tokens that the sandbox accepts. With any other it answers 401.
    pub access_tokens: Vec<PersonalAccessToken>,
    /// How much memory the log of requests may take, in bytes. The default is 16 MiB,
    /// enough for [`REMEMBERED`](super::Figma::REMEMBERED) requests of the usual size. If
    /// there is no room, the oldest requests are dropped and
    /// [counted](super::Figma::dropped_requests). With 0, none is kept.
    pub request_log_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            shape: StatusShape::default(),
            single_use_tokens: false,
            token_lifetime: Duration::from_secs(600),
            limits: FigmaLimits::default(),
            owner: None,
            foreign: BTreeSet::new(),
            access_tokens: vec![access_token()],
            request_log_bytes: 16 * 1024 * 1024,
        }
    }
}

pub(super) fn access_token() -> PersonalAccessToken {
    PersonalAccessToken::new(ACCESS_TOKEN).expect("the constant is a valid access token")
}

/// The three published JSON shapes of `payment_status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusShape {
    /// `"PAID"`, as in the bundled document.
    #[default]
    Text,
    /// `{"type": "PAID"}`, as in npm `@figma/rest-api-spec`.
    Type,
    /// `{"status": "PAID"}`, as on developers.figma.com.
    Status,
}

impl StatusShape {
    pub(super) fn write(self, status: &PaymentStatus) -> Value {
        match self {
            StatusShape::Text => json!(status),
            StatusShape::Type => json!({ "type": status }),
            StatusShape::Status => json!({ "status": status }),
        }
    }
}
