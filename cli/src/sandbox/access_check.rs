//! Who may use the control API: programs may, and foreign pages in a browser on the same
//! machine may not.
//!
//! A page can reach a server on loopback in two ways. The page's own host name resolves to
//! a loopback address (DNS rebinding): then the header `Host` has that name. Or the page
//! sends a request to another origin: then the header `Origin` or `Sec-Fetch-Site` says so.
//! A page cannot set these headers itself.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use figma_payments::sandbox::Request;
use http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The status and the message of a refusal.
type Refusal = (u16, String);

/// A host without a port, from the header `Host` or from `--allow-host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// In lower case, without a dot at its end.
    Name(String),
    Address(IpAddr),
}

impl Host {
    fn is_loopback(&self) -> bool {
        match self {
            Host::Name(name) => name == "localhost",
            Host::Address(address) => address.is_loopback(),
        }
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "give a host name or an IP address, without a port".to_owned();
        if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            let address: Ipv6Addr = address.parse().map_err(|_| expected())?;
            return Ok(Host::Address(address.into()));
        }
        if let Ok(address) = text.parse() {
            return Ok(Host::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        match !name.is_empty() && name.bytes().all(plain) {
            true => Ok(Host::Name(name.to_ascii_lowercase())),
            false => Err(expected()),
        }
    }
}

/// The host in `host` or `host:port`; `None` if the text is neither.
fn host_of(authority: &str) -> Option<Host> {
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon in [::1] is a part of the address.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let bracketed = host.starts_with('[');
    let valid = port.bytes().all(|byte| byte.is_ascii_digit()) && bracketed == host.contains(':');
    host.parse().ok().filter(|_| valid)
}

#[derive(Debug)]
pub struct AccessCheck {
    /// The hosts that are allowed besides loopback.
    allowed: Vec<Host>,
}

impl AccessCheck {
    /// Allows requests to loopback hosts, to the address that the sandbox listens on, and
    /// to these hosts.
    pub fn new(listens_on: IpAddr, mut allowed: Vec<Host>) -> Self {
        allowed.push(Host::Address(listens_on));
        AccessCheck { allowed }
    }

    /// Refuses a request that the control API must not answer.
    pub fn check(&self, request: &Request) -> Result<(), Refusal> {
        let authority = self.authority(request)?;
        self.check_site(request)?;
        let mut origins = request.headers.get_all(ORIGIN).iter().peekable();
        let from_a_page = origins.peek().is_some();
        if !origins.all(|origin| origin.to_str().is_ok_and(|origin| is_own(origin, authority))) {
            return Err(foreign_page());
        }
        if from_a_page && !request.body.is_empty() && !is_json(request) {
            let message = "a request with an Origin header needs the header content-type: application/json for its body";
            return Err((415, message.to_owned()));
        }
        Ok(())
    }

    /// Refuses a request to a host that is not the sandbox's.
    pub fn check_host(&self, request: &Request) -> Result<(), Refusal> {
        self.authority(request).map(drop)
    }

    /// Refuses a request of a page of another origin, by what browsers say of each request.
    pub fn check_site(&self, request: &Request) -> Result<(), Refusal> {
        let mut sites = request.headers.get_all(SEC_FETCH_SITE).iter();
        match sites.all(|site| site == "same-origin" || site == "none") {
            true => Ok(()),
            false => Err(foreign_page()),
        }
    }

    /// The host, and perhaps the port, that the request was sent to.
    fn authority<'a>(&self, request: &'a Request) -> Result<&'a str, Refusal> {
        let mut hosts = request.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            let message = "a request to the control API needs exactly one Host header";
            return Err((403, message.to_owned()));
        };
        let host = self.allowed(host.to_str().unwrap_or_default())?;
        // A request line with a whole URL takes precedence over the header.
        request.authority.as_deref().map_or(Ok(host), |authority| self.allowed(authority))
    }

    fn allowed<'a>(&self, authority: &'a str) -> Result<&'a str, Refusal> {
        let given = match host_of(authority) {
            Some(host) if host.is_loopback() || self.allowed.contains(&host) => {
                return Ok(authority);
            }
            Some(Host::Name(name)) => name,
            Some(Host::Address(address)) => address.to_string(),
            None => "the host in this request".to_owned(),
        };
        let message = format!(
            "the control API does not answer requests to {given}, only to localhost, to loopback addresses and to --host; if the sandbox has another name, start it with --allow-host NAME"
        );
        Err((403, message))
    }
}

/// Whether an origin is that of the sandbox, which has no https.
fn is_own(origin: &str, authority: &str) -> bool {
    let without_default_port = |authority: &str| {
        let authority = authority.strip_suffix(":80").unwrap_or(authority);
        authority.to_ascii_lowercase()
    };
    origin
        .strip_prefix("http://")
        .is_some_and(|origin| without_default_port(origin) == without_default_port(authority))
}

fn is_json(request: &Request) -> bool {
    let mut types = request.headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let essence = only.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn foreign_page() -> Refusal {
    let message = "the sandbox does not answer a page of another origin in a browser; ask it from a program, without the headers Origin and Sec-Fetch-Site";
    (403, message.to_owned())
}
