//! The options that several commands share: the resource, the server, and the access token.

use figma_payments::{
    Client, ClientBuilder, DEFAULT_BASE_URL, Error, PersonalAccessToken, Resource,
};
use url::Url;

use crate::exit::Failure;
use crate::remedy;
use crate::wording;

/// The plugin, widget or Community file to ask about.
#[derive(Debug, clap::Args)]
#[group(id = "resource", multiple = false)]
pub struct ResourceChoice {
    /// Ask about the plugin with this id, or with this Community page (URL).
    #[arg(long, value_name = "ID", value_parser = plugin)]
    plugin: Option<Resource>,
    /// Ask about the widget with this id, or with this Community page (URL).
    #[arg(long, value_name = "ID", value_parser = widget)]
    widget: Option<Resource>,
    /// Ask about the Community file with this id, or with this Community page (URL).
    #[arg(long, value_name = "ID", value_parser = community_file)]
    community_file: Option<Resource>,
    /// Ask about the plugin, widget or Community file whose Community page has
    /// this URL.
    #[arg(long, value_name = "URL", value_parser = from_url)]
    resource_url: Option<Resource>,
}

fn plugin(text: &str) -> Result<Resource, String> {
    id_or_url(text, "--plugin", Resource::plugin)
}

fn widget(text: &str) -> Result<Resource, String> {
    id_or_url(text, "--widget", Resource::widget)
}

fn community_file(text: &str) -> Result<Resource, String> {
    id_or_url(text, "--community-file", Resource::community_file)
}

/// Reads what is given to this option: an id, or the URL of a Community page.
fn id_or_url<'a>(
    text: &'a str,
    option: &str,
    with_id: fn(&'a str) -> Result<Resource, Error>,
) -> Result<Resource, String> {
    if !text.contains('/') {
        return with_id(text).map_err(|error| error.to_string());
    }
    let resource = from_url(text).map_err(|error| error.to_string())?;
    match option_for(&resource) {
        own if own == option => Ok(resource),
        other => Err(format!("this is the page of {resource}; give it to {other}")),
    }
}

fn option_for(resource: &Resource) -> &'static str {
    match resource {
        Resource::Plugin(_) => "--plugin",
        Resource::Widget(_) => "--widget",
        Resource::CommunityFile(_) => "--community-file",
        _ => "--resource-url",
    }
}

fn from_url(url: &str) -> Result<Resource, Error> {
    Resource::from_community_url(url)
}

impl ResourceChoice {
    /// The names of the options, for messages.
    pub const NAMES: &str = "--plugin, --widget, --community-file or --resource-url";

    pub fn resource(self) -> Option<Resource> {
        self.plugin.or(self.widget).or(self.community_file).or(self.resource_url)
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
            Some(url) if !url.contains("://") => return Err(without_scheme(url)),
            Some(url) => builder.base_url(url),
            None => builder,
        };
        settings(builder).build().map_err(|error| Failure::usage(wording::text(&error)))
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

/// The error quotes the URL only if it can hold no password.
fn without_scheme(url: &str) -> Failure {
    let local = ["localhost", "127.", "[::1]"].iter().any(|host| url.starts_with(host));
    let scheme = if local { "http://" } else { "https://" };
    let example = if url.contains('@') { "api.figma.com" } else { url };
    Failure::usage(format!(
        "--base-url does not begin with http:// or https://; begin it with {scheme}, as in {scheme}{example}"
    ))
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
