//! An answer, and where it comes from.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::api::types::PaymentInformation;

/// An answer about a user, where it comes from and how old it is.
///
/// Serialized as `{"payment": {…}, "source": "cached", "checked_at": 1781784000.25}`,
/// with `checked_at` in seconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entitlement {
    /// What Figma answered. Shared with the memory.
    pub payment: Arc<PaymentInformation>,
    /// Where this answer comes from.
    pub source: Source,
    /// When the request for it was sent to Figma.
    pub checked_at: SystemTime,
}

impl Entitlement {
    /// Whether the user has access; see
    /// [`PaymentInformation::grants_access`].
    pub fn grants_access(&self) -> bool {
        self.payment.grants_access()
    }
}

impl Serialize for Entitlement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let since_1970 = self.checked_at.duration_since(SystemTime::UNIX_EPOCH);
        let mut fields = serializer.serialize_struct("Entitlement", 3)?;
        fields.serialize_field("payment", &*self.payment)?;
        fields.serialize_field("source", self.source.as_str())?;
        fields.serialize_field("checked_at", &since_1970.unwrap_or_default().as_secs_f64())?;
        fields.end()
    }
}

/// Where an [`Entitlement`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Figma was asked just now, by this call or by one that it waited for.
    Fresh,
    /// An answer from memory that is not too old.
    Cached,
    /// An answer from memory that is too old, given because Figma cannot be reached;
    /// only with [`stale_if_error`](crate::EntitlementsBuilder::stale_if_error).
    Stale,
}

impl Source {
    /// Its name in logs and metrics: `fresh`, `cached` or `stale`.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Fresh => "fresh",
            Source::Cached => "cached",
            Source::Stale => "stale",
        }
    }
}

/// Prints the [name](Self::as_str).
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
