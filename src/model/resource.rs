//! What a user can pay for.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::error::Error;
use crate::model::api_enum::{JsonStr, api_enum};
use crate::model::ids::{CommunityFileId, PluginId, WidgetId};

/// Something on Figma's Community that a user can pay for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
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

    /// The resource of a Community page, from the page's URL:
    /// `https://www.figma.com/community/plugin/1678669904810665842/name?more`, or the
    /// same with `widget` or `file`.
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
        // URL parsers drop line ends and tabs, even in the middle of an id.
        if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(refuse("has white space in it"));
        }
        let url =
            reqwest::Url::parse(url).map_err(|error| refuse(&format!("is not a URL ({error})")))?;
        let no_user = url.username().is_empty() && url.password().is_none();
        let no_port = url.port().is_none();
        let is_figma = matches!(url.host_str(), Some("www.figma.com" | "figma.com"));
        let mut segments = url.path_segments().into_iter().flatten();
        let is_community = segments.next() == Some("community");
        if url.scheme() != "https" || !is_figma || !no_user || !no_port || !is_community {
            return Err(refuse("does not lead to Figma's Community"));
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
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) if the text is not a JSON
    /// object, or if its `id` is missing, not text, or malformed.
    pub fn from_manifest(manifest: impl AsRef<str>) -> Result<Self, Error> {
        let text = manifest.as_ref().trim_start_matches('\u{feff}');
        let manifest: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| Error::invalid_query(format!("the manifest is not JSON: {error}")))?;
        let id = manifest["id"].as_str().ok_or_else(|| {
            Error::invalid_query(
                "the manifest has no `id`, or the `id` is not text; put the id that Figma assigned in quotes, because a number may lose digits",
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

/// Prints the kind and the id: `plugin 1678669904810665842`.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Plugin(id) => write!(f, "plugin {id}"),
            Resource::Widget(id) => write!(f, "widget {id}"),
            Resource::CommunityFile(id) => write!(f, "Community file {id}"),
        }
    }
}

impl From<PluginId> for Resource {
    fn from(id: PluginId) -> Self {
        Resource::Plugin(id)
    }
}

impl From<WidgetId> for Resource {
    fn from(id: WidgetId) -> Self {
        Resource::Widget(id)
    }
}

impl From<CommunityFileId> for Resource {
    fn from(id: CommunityFileId) -> Self {
        Resource::CommunityFile(id)
    }
}

api_enum! {
    /// The kind of a resource, as the API spells it.
    ResourceType {
        /// A plugin.
        Plugin = "PLUGIN",
        /// A widget.
        Widget = "WIDGET",
        /// A Community file.
        CommunityFile = "COMMUNITY_FILE",
    }
}

impl<'de> Deserialize<'de> for ResourceType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(ResourceType::from(&*JsonStr::deserialize(deserializer)?.0))
    }
}
