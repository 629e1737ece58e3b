//! The HTTP client below the bindings.

use reqwest::header::HeaderValue;
use reqwest::{Client, ClientBuilder, Url};

use crate::Error;
use crate::builder::{Settings, is_loopback};
use crate::tls::with_tls;

/// What matters is set last, whatever the user's own says.
pub(crate) fn client(
    own: Option<ClientBuilder>,
    settings: &Settings,
    base_url: &Url,
    user_agent: HeaderValue,
) -> Result<Client, Error> {
    let mut http = with_tls(own, base_url.scheme() == "https")?
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
    http.build().map_err(|error| {
        let why = error.without_url();
        Error::configuration(format!("the HTTP client cannot be built: {why}"))
    })
}
