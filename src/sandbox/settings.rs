//! How the sandbox behaves where the sources leave it open, or disagree.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::limits::FigmaLimits;
use crate::model::credentials::PersonalAccessToken;
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::resource::Resource;

pub(super) const ACCESS_TOKEN: &str = "figd_sandbox";

/// How the sandbox behaves where the sources leave it open, or disagree; see
/// [`Figma::configure`](super::Figma::configure).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The shape of `payment_status`; [`Text`](StatusShape::Text) at first.
    pub shape: StatusShape,
    /// Whether a payment token is good for one answer only; at first it is not.
    pub single_use_tokens: bool,
    /// How long a payment token is good for; 10 minutes at first. Figma says
    /// that they are short-lived, and not how short.
    pub token_lifetime: Duration,
    /// The rate limits; [`FigmaLimits::default`] at first.
    pub limits: FigmaLimits,
    /// Who owns the resources: they read UNPAID, whatever they bought.
    pub owner: Option<UserId>,
    /// Resources of somebody else. Questions about them are answered with 403.
    pub foreign: BTreeSet<Resource>,
    /// The access tokens that are known. With any other the answer is 401.
    pub access_tokens: Vec<PersonalAccessToken>,
    /// The room for the requests that are remembered, in bytes of memory; 16 MiB
    /// at first, enough for [`REMEMBERED`](super::Figma::REMEMBERED) requests of
    /// the usual size. The oldest ones are dropped, and
    /// [counted](super::Figma::dropped_requests). With 0 none is remembered.
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
    PersonalAccessToken::new(ACCESS_TOKEN).expect("a constant that a header can carry")
}

/// In which of the three published shapes `payment_status` is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusShape {
    /// `"PAID"`, as the bundled document has it.
    #[default]
    Text,
    /// `{"type": "PAID"}`, as npm `@figma/rest-api-spec` has it.
    Type,
    /// `{"status": "PAID"}`, as developers.figma.com has it.
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
