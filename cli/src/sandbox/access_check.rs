//! Who may use the control API: programs, and no page of somebody else's in a
//! browser of the same machine.
//!
//! A browser gives a page two ways to reach a server on loopback. The page's own
//! host name may lead there (DNS rebinding); then `Host` has that name. Or the
//! page asks across origins; then `Origin` or `Sec-Fetch-Site` says so. A page
//! can forge none of these headers.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use figma_payments::sandbox::Request;
use http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Status and message of a refusal.
type Refusal = (u16, String);

/// A host without a port, as `Host` has it, and as `--allow-host` does.
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
        let expected = || "a host name or an IP address is expected, without a port".to_owned();
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

/// The host of `host` or `host:port`; nothing if it is neither.
fn host_of(authority: &str) -> Option<Host> {
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon of [::1] is none before a port.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let bracketed = host.starts_with('[');
    let valid = port.bytes().all(|byte| byte.is_ascii_digit()) && bracketed == host.contains(':');
    host.parse().ok().filter(|_| valid)
}

#[derive(Debug)]
pub struct Callers {
    hosts: Vec<Host>,
}

impl Callers {
    /// Those who ask for a loopback host, for the address that the sandbox
    /// listens on, or for one of these hosts.
    pub fn new(listens_on: IpAddr, mut hosts: Vec<Host>) -> Self {
        hosts.push(Host::Address(listens_on));
        Callers { hosts }
    }

    /// Whether the control API answers this request.
    pub fn check(&self, request: &Request) -> Result<(), Refusal> {
        let authority = self.authority(request)?;
        let sites = request.headers.get_all(SEC_FETCH_SITE).iter();
        for site in sites {
            if site != "same-origin" && site != "none" {
                return Err(foreign_page());
            }
        }
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

    /// What the sandbox is called by the request, if that is one of its names.
    fn authority<'a>(&self, request: &'a Request) -> Result<&'a str, Refusal> {
        let mut hosts = request.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            let message = "the control API expects one Host header, which names the sandbox";
            return Err((403, message.to_owned()));
        };
        let host = self.known(host.to_str().unwrap_or_default())?;
        // A target in absolute form counts for more than the header.
        request.authority.as_deref().map_or(Ok(host), |authority| self.known(authority))
    }

    fn known<'a>(&self, authority: &'a str) -> Result<&'a str, Refusal> {
        let given = match host_of(authority) {
            Some(host) if host.is_loopback() || self.hosts.contains(&host) => {
                return Ok(authority);
            }
            Some(Host::Name(name)) => name,
            Some(Host::Address(address)) => address.to_string(),
            None => "what this request asks for".to_owned(),
        };
        let message = format!(
            "the control API is not answered under {given}, but under localhost, loopback addresses and --host; if the sandbox has another name, start it with --allow-host NAME"
        );
        Err((403, message))
    }
}

/// Whether an origin is the sandbox's own: it speaks no https.
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
    let message = "the control API does not answer pages of another origin in a browser; ask it from a program, without the headers Origin and Sec-Fetch-Site";
    (403, message.to_owned())
}
