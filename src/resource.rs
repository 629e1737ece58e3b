//! Ids, and what a user can pay for. Ids are text and never numbers: a real
//! plugin id, 1678669904810665842, is above 2^53.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};

use crate::{Error, ResourceType};

/// An id has 1 to 20 digits, as many as the largest 64-bit number.
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
    ($(#[$doc:meta])* $name:ident, $what:literal $(, Resource::$kind:ident)?) => {
        $(#[$doc])*
        ///
        /// 1 to 20 digits, kept as text; never empty, never a float. Comes from
        /// text (`FromStr`, `TryFrom`) or from a `u64`. In JSON it is text both
        /// ways; a number is refused, because on its way it may have been a float.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(ArrayString<20>);

        impl $name {
            /// The digits.
            pub fn as_str(&self) -> &str {
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

        $(impl From<$name> for Resource {
            fn from(id: $name) -> Self {
                Resource::$kind(id)
            }
        })?

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The id of a Figma user, as OAuth 2 with Figma gives it to you.
    UserId, "the user id"
}
id! {
    /// The id of a plugin: in its manifest, and after `plugin/` in the URL of
    /// its Community page.
    PluginId, "the plugin id", Resource::Plugin
}
id! {
    /// The id of a widget: in its manifest, and after `widget/` in the URL of
    /// its Community page.
    WidgetId, "the widget id", Resource::Widget
}
id! {
    /// The id of a Community file: after `file/` in the URL of its Community
    /// page.
    CommunityFileId, "the Community file id", Resource::CommunityFile
}

/// Something on Figma's Community that a user can pay for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A plugin.
    Plugin(PluginId),
    /// A widget.
    Widget(WidgetId),
    /// A Community file.
    CommunityFile(CommunityFileId),
}

impl Resource {
    /// The plugin with this id.
    ///
    /// # Errors
    ///
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) unless the id has 1 to
    /// 20 digits and nothing else.
    pub fn plugin(id: impl AsRef<str>) -> Result<Self, Error> {
        PluginId::try_from(id.as_ref()).map(Resource::Plugin)
    }

    /// The widget with this id.
    ///
    /// # Errors
    ///
    /// As for [`plugin`](Self::plugin).
    pub fn widget(id: impl AsRef<str>) -> Result<Self, Error> {
        WidgetId::try_from(id.as_ref()).map(Resource::Widget)
    }

    /// The Community file with this id.
    ///
    /// # Errors
    ///
    /// As for [`plugin`](Self::plugin).
    pub fn community_file(id: impl AsRef<str>) -> Result<Self, Error> {
        CommunityFileId::try_from(id.as_ref()).map(Resource::CommunityFile)
    }

    /// The resource of a Community page, from its URL:
    /// `https://www.figma.com/community/plugin/1678669904810665842/name?more`,
    /// and likewise for `widget` and `file`.
    ///
    /// ```
    /// use figma_payments::Resource;
    ///
    /// let url = "https://www.figma.com/community/plugin/1678669904810665842/name";
    /// assert_eq!(Resource::from_community_url(url)?.id(), "1678669904810665842");
    /// # Ok::<(), figma_payments::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for any other URL.
    pub fn from_community_url(url: impl AsRef<str>) -> Result<Self, Error> {
        const EXPECTED: &str =
            "https://www.figma.com/community/{plugin|widget|file}/{id} is expected";
        let refuse =
            |why: &str| Error::invalid_query(format!("the Community URL {why}; {EXPECTED}"));
        let url = url.as_ref();
        // A URL parser drops some of it, even in the middle of an id.
        if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(refuse("has white space in it"));
        }
        let url =
            reqwest::Url::parse(url).map_err(|error| refuse(&format!("is no URL ({error})")))?;
        let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
        let host = matches!(url.host_str(), Some("www.figma.com" | "figma.com"));
        let mut segments = url.path_segments().into_iter().flatten();
        if url.scheme() != "https" || !host || !plain || segments.next() != Some("community") {
            return Err(refuse("leads elsewhere"));
        }
        match (segments.next(), segments.next()) {
            (Some("plugin"), Some(id)) => Resource::plugin(id),
            (Some("widget"), Some(id)) => Resource::widget(id),
            (Some("file"), Some(id)) => Resource::community_file(id),
            _ => Err(refuse("names neither a plugin, a widget nor a file")),
        }
    }

    /// The plugin or widget that a `manifest.json` describes. It is a widget if
    /// the manifest says `"containsWidget": true`.
    ///
    /// ```
    /// use figma_payments::Resource;
    ///
    /// let manifest = r#"{ "id": "1678669904810665842", "main": "code.js" }"#;
    /// assert_eq!(Resource::from_manifest(manifest)?, Resource::plugin("1678669904810665842")?);
    /// # Ok::<(), figma_payments::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for text that is no
    /// JSON object, or whose `id` is missing, not text, or no id.
    pub fn from_manifest(manifest: impl AsRef<str>) -> Result<Self, Error> {
        let text = manifest.as_ref().trim_start_matches('\u{feff}');
        let manifest: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            Error::invalid_query(format!("the manifest is not readable as JSON: {error}"))
        })?;
        let id = manifest["id"].as_str().ok_or_else(|| {
            Error::invalid_query(
                "the manifest has no `id` that is text; Figma assigns one: put it in quotes, or it loses digits",
            )
        })?;
        match manifest["containsWidget"] == true {
            true => Resource::widget(id),
            false => Resource::plugin(id),
        }
    }

    /// The id, in digits.
    pub fn id(&self) -> &str {
        match self {
            Resource::Plugin(id) => id.as_str(),
            Resource::Widget(id) => id.as_str(),
            Resource::CommunityFile(id) => id.as_str(),
        }
    }

    /// Which kind of resource it is, as the API spells it.
    pub fn resource_type(&self) -> ResourceType {
        match self {
            Resource::Plugin(_) => ResourceType::Plugin,
            Resource::Widget(_) => ResourceType::Widget,
            Resource::CommunityFile(_) => ResourceType::CommunityFile,
        }
    }
}

/// Prints what it is and its id: `plugin 1678669904810665842`.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Plugin(id) => write!(f, "plugin {id}"),
            Resource::Widget(id) => write!(f, "widget {id}"),
            Resource::CommunityFile(id) => write!(f, "Community file {id}"),
        }
    }
}
