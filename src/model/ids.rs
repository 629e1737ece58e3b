//! Ids. They are text and never numbers: a real plugin id, 1678669904810665842,
//! is above 2^53, so a float cannot hold it.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// An id has 1 to 20 digits. The largest 64-bit number has 20.
fn check_id(what: &str, text: &str) -> Result<(), Error> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let hint = match text.len() {
        0 => "is empty",
        ..=20 if digits => return Ok(()),
        _ if digits => "has more than 20 digits",
        _ if text.trim() != text => "has white space around it; trim it first",
        _ => "has something other than digits in it",
    };
    Err(Error::invalid_query(format!(
        "{what} {hint}; 1 to 20 digits are expected, like 1678669904810665842"
    )))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 20 digits, kept as text. Make one from text (`FromStr`, `TryFrom`) or
        /// from a `u64`. In JSON it is text. A JSON number is refused, because it may
        /// have lost digits in a program that reads numbers as floats.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(ArrayString<20>);

        impl $name {
            /// The digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.as_str().try_into()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(text: &str) -> Result<Self, Error> {
                check_id($what, text)?;
                Ok($name(ArrayString::from(text).unwrap_or_default()))
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                text.try_into()
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                $name(ArrayString::from(&id.to_string()).unwrap_or_default())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The id of a Figma user, as you get it from Figma's OAuth 2.
    UserId, "the user id"
}
id! {
    /// The id of a plugin: in its manifest, and after `plugin/` in the URL of
    /// its Community page.
    PluginId, "the plugin id"
}
id! {
    /// The id of a widget: in its manifest, and after `widget/` in the URL of
    /// its Community page.
    WidgetId, "the widget id"
}
id! {
    /// The id of a Community file: after `file/` in the URL of its Community
    /// page.
    CommunityFileId, "the Community file id"
}
