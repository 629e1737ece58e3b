//! What all requests have in common. The host has its own connections and TLS.

use reqwest::ClientBuilder;
use reqwest::header::HeaderValue;

use crate::error::Error;
use crate::platform::http_settings::HttpSettings;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) user_agent: HeaderValue,
}

impl Http {
    /// Nobody can give a client of their own: `ClientBuilder::http` is not there.
    pub(crate) fn new(_own: Option<ClientBuilder>, settings: HttpSettings) -> Result<Self, Error> {
        Ok(Http { user_agent: settings.user_agent })
    }
}
