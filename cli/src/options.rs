//! The options that several commands share: the resource, the server, and the access token.

use figma_payments::{
    Client, ClientBuilder, CommunityFileId, DEFAULT_BASE_URL, Error, PersonalAccessToken, PluginId,
    Resource, WidgetId,
};
use url::Url;

use crate::exit::Failure;
use crate::remedy;

/// The plugin, widget or Community file to ask about.
#[derive(Debug, clap::Args)]
#[group(id = "resource", multiple = false)]
pub struct ResourceChoice {
    /// Ask about the plugin with this id.
    #[arg(long, value_name = "ID")]
    plugin: Option<PluginId>,
    /// Ask about the widget with this id.
    #[arg(long, value_name = "ID")]
    widget: Option<WidgetId>,
    /// Ask about the Community file with this id.
    #[arg(long, value_name = "ID")]
    community_file: Option<CommunityFileId>,
    /// Ask about the plugin, widget or Community file whose Community page has
    /// this URL.
    #[arg(long, value_name = "URL", value_parser = from_url)]
    resource_url: Option<Resource>,
}

fn from_url(url: &str) -> Result<Resource, Error> {
    Resource::from_community_url(url)
}

impl ResourceChoice {
    /// The names of the options, for messages.
    pub const NAMES: &str = "--plugin, --widget, --community-file or --resource-url";

    pub fn resource(self) -> Option<Resource> {
        let plugin = self.plugin.map(Resource::Plugin);
        let widget = self.widget.map(Resource::Widget);
        let community_file = self.community_file.map(Resource::CommunityFile);
        plugin.or(widget).or(community_file).or(self.resource_url)
    }
}

#[derive(Debug, clap::Args)]
pub struct Server {
    /// The server that is asked instead of Figma: http://127.0.0.1:4010 for a sandbox.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

impl Server {
    /// A client for that server, with the access token from `FIGMA_TOKEN`.
    pub fn client(
        &self,
        settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, Failure> {
        self.client_with(access_token()?, settings)
    }

    fn client_with(
        &self,
        token: PersonalAccessToken,
        settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, Failure> {
        let builder = Client::builder(token);
        let builder = match &self.base_url {
            Some(url) => builder.base_url(url),
            None => builder,
        };
        settings(builder).build().map_err(Failure::usage)
    }

    /// The base URL in its normal form, refused where a client would refuse it.
    pub fn checked_base_url(&self) -> Result<String, Failure> {
        // Nothing is asked with this.
        let token = PersonalAccessToken::new("none").map_err(Failure::usage)?;
        self.client_with(token, |builder| builder)?;
        Ok(self.normal_base_url())
    }

    /// The base URL in its normal form, to be written into files. Call it after
    /// [`client`](Self::client), which refuses a URL with a password in it.
    pub fn normal_base_url(&self) -> String {
        let url = self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let url = Url::parse(url).map_or_else(|_| url.to_owned(), String::from);
        url.trim_end_matches('/').to_owned()
    }
}

fn access_token() -> Result<PersonalAccessToken, Failure> {
    let token = std::env::var("FIGMA_TOKEN").unwrap_or_default();
    if token.is_empty() {
        return Err(Failure::usage(format!(
            "there is no access token: set the environment variable FIGMA_TOKEN to one of the account that owns the resource; {}",
            remedy::NEW_ACCESS_TOKEN,
        )));
    }
    PersonalAccessToken::new(token).map_err(|error| Failure::usage(format!("FIGMA_TOKEN: {error}")))
}
