//! The HTTP client below the bindings: reqwest as the user hands it in, or else
//! hyper with TLS of our own.
//!
//! reqwest would speak TLS too, but cargo builds one reqwest for the whole
//! program: with the feature `rustls-no-provider` every `reqwest::Client::new()`
//! in it panics until a provider is installed, and with any feature for TLS it
//! fails where no certificates are installed, even if it only speaks plain HTTP.

use std::error::Error as _;

use reqwest::header::HeaderValue;
use reqwest::{Client, ClientBuilder, Request, Response, Url};

#[cfg(feature = "rustls")]
use super::hyper_client::Direct;
use super::reqwest_tls;
use crate::client::builder::{Settings, is_loopback};
use crate::error::Error;

/// What sends requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    /// Makes the generated client's requests.
    pub(crate) reqwest: Client,
    /// Sends them in reqwest's place.
    #[cfg(feature = "rustls")]
    direct: Option<Direct>,
}

pub(crate) fn client(
    own: Option<ClientBuilder>,
    settings: &Settings,
    base_url: &Url,
    user_agent: HeaderValue,
) -> Result<Http, Error> {
    #[cfg(feature = "rustls")]
    if own.is_none() {
        let tls = super::tls::config(base_url.scheme() == "https")?;
        let reqwest = reqwest_tls::without_connections(&tls).map_err(unusable)?;
        let proxies = !is_loopback(base_url);
        let direct = Direct::new(tls, proxies, settings.connect_timeout, user_agent);
        return Ok(Http { reqwest, direct: Some(direct) });
    }
    if base_url.scheme() == "https" && !reqwest_tls::is_there() {
        return Err(Error::configuration(
            "reqwest has no TLS for https://; turn on a feature of reqwest for it (`rustls` or `native-tls`), or the feature `rustls` of figma-payments, and leave out `http`",
        ));
    }
    Ok(Http {
        reqwest: configured(own.unwrap_or_default(), settings, base_url, user_agent)?,
        #[cfg(feature = "rustls")]
        direct: None,
    })
}

/// What matters is set last, whatever the user's own says.
fn configured(
    own: ClientBuilder,
    settings: &Settings,
    base_url: &Url,
    user_agent: HeaderValue,
) -> Result<Client, Error> {
    let mut http = own
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never().max_retries_per_request(0)) // or it copies each request
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connection_verbose(false)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .user_agent(user_agent);
    if is_loopback(base_url) {
        http = http.no_proxy();
    }
    http.build().map_err(unusable)
}

fn unusable(error: reqwest::Error) -> Error {
    let why = error.without_url();
    Error::configuration(format!("the HTTP client cannot be built: {why}"))
}

impl Http {
    pub(crate) async fn send(&self, request: Request) -> Result<Response, Fault> {
        #[cfg(feature = "rustls")]
        if let Some(direct) = &self.direct {
            return direct.send(request).await;
        }
        self.reqwest.execute(request).await.map_err(Fault::Reqwest)
    }
}

/// Why nothing arrived, or not all of it.
pub(crate) enum Fault {
    TimedOut,
    Reqwest(reqwest::Error),
    #[cfg(feature = "rustls")]
    Direct(hyper_util::client::legacy::Error),
}

impl Fault {
    /// No request could be made.
    pub(crate) fn is_builder(&self) -> bool {
        matches!(self, Fault::Reqwest(error) if error.is_builder())
    }

    pub(crate) fn is_timeout(&self) -> bool {
        match self {
            Fault::TimedOut => true,
            Fault::Reqwest(error) => error.is_timeout(),
            #[cfg(feature = "rustls")]
            Fault::Direct(error) => super::hyper_client::is_timeout(error),
        }
    }

    pub(crate) fn is_connect(&self) -> bool {
        match self {
            Fault::TimedOut => false,
            Fault::Reqwest(error) => error.is_connect(),
            #[cfg(feature = "rustls")]
            Fault::Direct(error) => error.is_connect(),
        }
    }

    /// The first cause that does not hold the URL.
    pub(crate) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Fault::TimedOut => None,
            Fault::Reqwest(error) => error.source(),
            #[cfg(feature = "rustls")]
            Fault::Direct(error) => Some(error),
        }
    }
}
