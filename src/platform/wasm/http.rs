//! What all attempts have in common; connections and TLS are the host's.

use reqwest::header::HeaderValue;
use reqwest::{ClientBuilder, Url};

use crate::client::builder::Settings;
use crate::error::Error;

#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) user_agent: HeaderValue,
}

pub(crate) fn client(
    _own: Option<ClientBuilder>,
    _settings: &Settings,
    _base_url: &Url,
    user_agent: HeaderValue,
) -> Result<Http, Error> {
    Ok(Http { user_agent })
}
