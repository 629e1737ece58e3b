//! Settings of a client. Everything is taken as it comes and checked in
//! [`ClientBuilder::build`].

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::client::Client;
use crate::client::rate_limiter::RateLimits;
use crate::client::retry::RetryPolicy;
use crate::error::Error;
use crate::model::credentials::{AuthScheme, PersonalAccessToken};

/// Figma's production server, as the document names it.
pub const DEFAULT_BASE_URL: &str = "https://api.figma.com";

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A setter for each of these settings, by its name.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, $name: $type) -> Self {
            self.settings.$name = $name;
            self
        }
    )*};
}

/// Settings for a [`Client`]; made by [`Client::builder`].
///
/// | Setting | Default | Why |
/// |---|---|---|
/// | [`base_url`](Self::base_url) | `https://api.figma.com` | the document's server |
/// | [`auth_scheme`](Self::auth_scheme) | [`FigmaToken`](AuthScheme::FigmaToken) | what Figma's own document and guide say |
/// | [`connect_timeout`](Self::connect_timeout) | 3 s | one lost SYN is sent again after 1 s; a second one rarely helps |
/// | [`timeout`](Self::timeout) | 5 s | per attempt; an answer that takes longer is more likely lost than slow |
/// | [`deadline`](Self::deadline) | 12 s | per call; two attempts and the wait between them, while a buyer looks on |
/// | [`retry`](Self::retry) | at most 3 attempts | see [`RetryPolicy`] |
/// | [`rate_limits`](Self::rate_limits) | none | only you know your plan and how many processes share it |
/// | [`user_agent`](Self::user_agent) | `figma-payments/{version}` | names the sender in the server's log |
///
/// ```
/// use std::time::Duration;
/// use figma_payments::{Client, PersonalAccessToken, RateLimits};
///
/// let client = Client::builder(PersonalAccessToken::new("figd_abc")?)
///     .deadline(Duration::from_secs(6))
///     .rate_limits(RateLimits::default().by_token(300).by_user(10)) // all processes together
///     .build()?;
/// # Ok::<(), figma_payments::Error>(())
/// ```
#[must_use]
pub struct ClientBuilder {
    token: PersonalAccessToken,
    base_url: String,
    settings: Settings,
    http: Option<reqwest::ClientBuilder>,
}

/// What is set and needs no more than a look.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    allow_plain_http: bool,
    pub(crate) auth_scheme: AuthScheme,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) rate_limits: RateLimits,
    user_agent: String,
}

/// Without the base URL, which may hold a password that is yet to be refused.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientBuilder").field(&self.settings).finish_non_exhaustive()
    }
}

impl ClientBuilder {
    pub(crate) fn new(token: PersonalAccessToken) -> Self {
        let settings = Settings {
            allow_plain_http: false,
            auth_scheme: AuthScheme::default(),
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(3),
            deadline: Duration::from_secs(12),
            retry: RetryPolicy::default(),
            rate_limits: RateLimits::default(),
            user_agent: USER_AGENT.to_owned(),
        };
        ClientBuilder { token, base_url: DEFAULT_BASE_URL.to_owned(), settings, http: None }
    }

    /// The server to ask instead of Figma's: a sandbox, a mock, a gateway. A
    /// path is kept: `https://gateway.example/figma` asks
    /// `https://gateway.example/figma/v1/payments`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    setters! {
        /// Allows `http://` to hosts other than this machine. Whoever is on the way
        /// can then read the access token.
        allow_plain_http: bool;
        /// Which header carries the access token.
        auth_scheme: AuthScheme;
        /// The longest that one attempt may take, connecting and reading included.
        timeout: Duration;
        /// The longest that connecting may take, name resolution and TLS included.
        /// Not on wasm, where the host connects.
        #[cfg(not(target_arch = "wasm32"))]
        connect_timeout: Duration;
        /// The longest that a call may take, attempts and waits included. A wait
        /// that would go beyond it is not begun.
        deadline: Duration;
        /// When a call tries again; [`RetryPolicy::none`] for never.
        retry: RetryPolicy;
        /// How often the client may ask.
        rate_limits: RateLimits;
    }

    /// What is sent as `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.settings.user_agent = user_agent.into();
        self
    }

    /// An HTTP client of your making: for a proxy, another TLS, certificates, a
    /// pool size. A builder and not a finished client, because these are set
    /// last, whatever it says: redirects are not followed, no `Referer` is
    /// sent, nothing is retried, unpacked or logged byte by byte unseen, and
    /// loopback gets no proxy, be it from the environment or set by you.
    ///
    /// Its TLS is that of your own reqwest, whose features choose it: `rustls` or
    /// `native-tls` for instance. This crate turns none of them on, because they
    /// count for all of a program. Without one, [`build`](Self::build) refuses
    /// `https://`.
    ///
    /// Not on wasm, where the host has its own.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn http(mut self, http: reqwest::ClientBuilder) -> Self {
        self.http = Some(http);
        self
    }

    /// Checks everything and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration): a base URL that is
    /// none, has a query, a fragment or user info, or would send the token in
    /// the clear; a time of zero; a user agent that no header can carry; a TLS
    /// that cannot be set up, for want of root certificates for instance; a
    /// reqwest without TLS where it is needed.
    pub fn build(self) -> Result<Client, Error> {
        let settings = self.settings;
        let base_url = check_base_url(&self.base_url, settings.allow_plain_http)?;
        for (name, time) in [
            ("timeout", settings.timeout),
            ("connect_timeout", settings.connect_timeout),
            ("deadline", settings.deadline),
        ] {
            if time.is_zero() {
                return Err(Error::configuration(format!(
                    "`{name}` is zero, so that nothing could ever be asked; give it some seconds"
                )));
            }
        }
        let user_agent = HeaderValue::from_str(&settings.user_agent).map_err(|_| {
            Error::configuration("`user_agent` has a character that no header can carry")
        })?;
        let http = crate::platform::http::client(self.http, &settings, &base_url, user_agent)?;
        Client::from_parts(http, base_url, settings, self.token)
    }
}

/// The error never quotes the URL: it may hold a password.
fn check_base_url(text: &str, allow_plain_http: bool) -> Result<Url, Error> {
    let refuse = |why: &str| {
        Error::configuration(format!(
            "`base_url` {why}; something like {DEFAULT_BASE_URL} or http://127.0.0.1:4010 is expected"
        ))
    };
    let url = Url::parse(text).map_err(|error| refuse(&format!("is no URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("is not one of HTTP"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("has a query or a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("has a user name or a password"));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_plain_http {
        return Err(refuse(
            "is plain http:// to another machine, which would show the access token to everyone on the way (`allow_plain_http` if that is meant)",
        ));
    }
    Ok(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
