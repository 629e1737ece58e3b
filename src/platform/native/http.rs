//! The HTTP client below the bindings: the user's own reqwest, or by default hyper with
//! rustls.
//!
//! Why not reqwest's TLS? cargo builds one reqwest for the whole program, so its features
//! affect all of the program. With `rustls-no-provider`, every `reqwest::Client::new()`
//! in the program panics until a provider is installed. With any other feature for TLS,
//! reqwest fails on machines without root certificates, even for plain HTTP.

use reqwest::{Client, ClientBuilder, Request, Response};

use super::error::HttpError;
#[cfg(feature = "rustls")]
use super::hyper_client::HyperClient;
use super::reqwest_tls;
#[cfg(feature = "rustls")]
use super::tls;
use crate::error::Error;
use crate::platform::http_settings::HttpSettings;

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    /// Builds the requests of the generated bindings. It also sends them, unless `hyper`
    /// is there.
    pub(crate) reqwest: Client,
    #[cfg(feature = "rustls")]
    hyper: Option<HyperClient>,
}

impl Http {
    /// Uses `own` if the user gave one, else hyper.
    pub(crate) fn new(own: Option<ClientBuilder>, settings: HttpSettings) -> Result<Self, Error> {
        #[cfg(feature = "rustls")]
        if own.is_none() {
            let tls = tls::config(settings.https)?;
            let reqwest = reqwest_tls::without_connections(&tls).map_err(unusable)?;
            return Ok(Http { reqwest, hyper: Some(HyperClient::new(tls, settings)) });
        }
        if settings.https && !reqwest_tls::is_available() {
            return Err(Error::configuration(
                "`base_url` is https://, but reqwest was built without TLS; turn on reqwest's feature `rustls` or `native-tls`, or turn on the feature `rustls` of figma-payments and do not call `http`",
            ));
        }
        Ok(Http {
            reqwest: configured(own.unwrap_or_default(), settings)?,
            #[cfg(feature = "rustls")]
            hyper: None,
        })
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Response, HttpError> {
        #[cfg(feature = "rustls")]
        if let Some(hyper) = &self.hyper {
            return hyper.send(request).await;
        }
        self.reqwest.execute(request).await.map_err(HttpError::Reqwest)
    }
}

/// The user's own reqwest, with the settings that this crate relies on.
fn configured(own: ClientBuilder, settings: HttpSettings) -> Result<Client, Error> {
    let mut http = own
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never().max_retries_per_request(0)) // with retries, reqwest copies each request
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connection_verbose(false)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .user_agent(settings.user_agent);
    if settings.loopback {
        http = http.no_proxy();
    }
    http.build().map_err(unusable)
}

fn unusable(error: reqwest::Error) -> Error {
    let why = error.without_url();
    Error::configuration(format!(
        "the HTTP client cannot be built: {why}; check what you gave to `http`, if anything, and the installed certificates"
    ))
}
