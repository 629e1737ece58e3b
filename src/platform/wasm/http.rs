//! What all requests share. The host makes the connections and speaks TLS.

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
    /// `_own` is always `None`, because `ClientBuilder::http` does not exist on wasm.
    pub(crate) fn new(_own: Option<ClientBuilder>, settings: HttpSettings) -> Result<Self, Error> {
        Ok(Http { user_agent: settings.user_agent })
    }
}
