//! Builds a [`Client`]. The setters take any value; [`ClientBuilder::build`] checks
//! them all.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::rate_limiter::limits::RateLimits;
use super::retry::RetryPolicy;
use super::settings::Settings;
use super::{Client, Parts};
use crate::error::Error;
use crate::model::credentials::{AuthScheme, PersonalAccessToken};
use crate::platform::http::Http;
use crate::platform::http_settings::HttpSettings;
#[cfg(feature = "redis")]
use crate::store::redis::RedisStore;

/// Figma's production server, as the document names it.
pub const DEFAULT_BASE_URL: &str = "https://api.figma.com";

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

impl Client {
    /// A client with the defaults, for Figma's production server.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if TLS cannot be set
    /// up, because no root certificates are installed for instance.
    pub fn new(token: PersonalAccessToken) -> Result<Self, Error> {
        Client::builder(token).build()
    }

    /// A client with settings of your own.
    pub fn builder(token: PersonalAccessToken) -> ClientBuilder {
        ClientBuilder::new(token)
    }
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
    allow_plain_http: bool,
    connect_timeout: Duration,
    user_agent: String,
    http: Option<reqwest::ClientBuilder>,
    #[cfg(feature = "redis")]
    store: Option<RedisStore>,
    settings: Settings,
}

/// Without the token, and without the base URL, which may hold a password that
/// `build` has not refused yet.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("allow_plain_http", &self.allow_plain_http)
            .field("connect_timeout", &self.connect_timeout)
            .field("user_agent", &self.user_agent)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    fn new(token: PersonalAccessToken) -> Self {
        ClientBuilder {
            token,
            base_url: DEFAULT_BASE_URL.to_owned(),
            allow_plain_http: false,
            connect_timeout: Duration::from_secs(3),
            user_agent: USER_AGENT.to_owned(),
            http: None,
            #[cfg(feature = "redis")]
            store: None,
            settings: Settings {
                auth_scheme: AuthScheme::default(),
                timeout: Duration::from_secs(5),
                deadline: Duration::from_secs(12),
                retry: RetryPolicy::default(),
                rate_limits: RateLimits::default(),
            },
        }
    }

    /// The server to ask instead of Figma's: a sandbox, a mock, a gateway. A
    /// path is kept: `https://gateway.example/figma` asks
    /// `https://gateway.example/figma/v1/payments`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Allows `http://` to other machines than this one. Everyone on the way can
    /// then read the access token.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// Which header carries the access token.
    pub fn auth_scheme(mut self, scheme: AuthScheme) -> Self {
        self.settings.auth_scheme = scheme;
        self
    }

    /// The longest time for one attempt, with connecting and reading.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// The longest time for connecting, with name resolution and TLS.
    ///
    /// Not available on wasm, where the host connects.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The longest time for a call, with all its attempts and waits. The client
    /// does not begin a wait that would go beyond it.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// When a call tries again; [`RetryPolicy::none`] for never.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// How often the client may ask.
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.settings.rate_limits = limits;
        self
    }

    /// What is sent as `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// An HTTP client of your own, for a proxy, another TLS, certificates or a
    /// pool size.
    ///
    /// Give it as a builder. The client sets these last, whatever your builder
    /// says: it follows no redirects, sends no `Referer`, retries nothing by
    /// itself, unpacks nothing, logs no bytes, and uses no proxy for loopback.
    ///
    /// The features of your reqwest choose its TLS, for instance `rustls` or
    /// `native-tls`. This crate turns none of them on, because cargo would turn it on
    /// for the whole program. Without such a feature, [`build`](Self::build) refuses
    /// `https://`.
    ///
    /// Not available on wasm, where the host has its own HTTP client.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn http(mut self, http: reqwest::ClientBuilder) -> Self {
        self.http = Some(http);
        self
    }

    /// Shares rate limits, pauses, answers and questions under way with all processes that
    /// have the same Redis, namespace and base URL (feature `redis`). See [`RedisStore`].
    #[cfg(feature = "redis")]
    pub fn shared(mut self, store: RedisStore) -> Self {
        self.store = Some(store);
        self
    }

    /// Checks everything and makes the client. Nothing is sent.
    ///
    /// With the feature `metrics`, this describes the client's metrics to the recorder.
    /// Install the recorder before.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), and the message names
    /// the setting:
    ///
    /// - a base URL that does not begin with `http://` or `https://`, that has a query,
    ///   a fragment or user info, or that would send the token unencrypted to another
    ///   machine
    /// - a timeout or deadline of zero
    /// - a user agent that no header can carry
    /// - TLS that cannot be set up, because no root certificates are installed for
    ///   instance
    /// - `https://` with [`http`](Self::http) and a reqwest without TLS
    pub fn build(self) -> Result<Client, Error> {
        let settings = self.settings;
        let base_url = check_base_url(&self.base_url, self.allow_plain_http)?;
        for (name, time) in [
            ("timeout", settings.timeout),
            ("connect_timeout", self.connect_timeout),
            ("deadline", settings.deadline),
        ] {
            if time.is_zero() {
                return Err(Error::configuration(format!(
                    "`{name}` is zero, so no request could ever finish; set it to some seconds"
                )));
            }
        }
        let user_agent = HeaderValue::from_str(&self.user_agent).map_err(|_| {
            Error::configuration(
                "`user_agent` has a character that no header can carry; use visible ASCII and spaces",
            )
        })?;
        let http_settings = HttpSettings {
            timeout: settings.timeout,
            connect_timeout: self.connect_timeout,
            user_agent,
            https: base_url.scheme() == "https",
            loopback: is_loopback(&base_url),
        };
        let http = Http::new(self.http, http_settings)?;
        Client::from_parts(Parts {
            http,
            #[cfg(feature = "redis")]
            fleet: self.store.map(|store| store.fleet(base_url.as_str())),
            base_url,
            settings,
            token: self.token,
        })
    }
}

/// The error never quotes the URL: it may hold a password.
fn check_base_url(text: &str, allow_plain_http: bool) -> Result<Url, Error> {
    let refuse = |why: &str| {
        Error::configuration(format!(
            "`base_url` {why}; use a URL like {DEFAULT_BASE_URL} or http://127.0.0.1:4010"
        ))
    };
    let url = Url::parse(text).map_err(|error| refuse(&format!("is not a URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("does not begin with http:// or https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("has a query or a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("has a user name or a password"));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_plain_http {
        return Err(refuse(
            "is plain http:// to another machine, so everyone on the way could read the access token (call `allow_plain_http(true)` if you want that)",
        ));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
