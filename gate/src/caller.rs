//! Who asks. Each caller has a share of the calls to Figma, and of the questions that are
//! under way.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};

use http::request::Parts;

/// Somebody who may cause only so many calls to Figma: an address, or a name of your own.
///
/// ```
/// use std::net::IpAddr;
/// use figma_payments_gate::Caller;
///
/// let caller = Caller::from("2001:db8::1".parse::<IpAddr>()?);
/// assert_eq!(caller, Caller::from("2001:db8::2".parse::<IpAddr>()?), "the same /64");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Caller(Kind);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    /// An IPv4 address, or the first address of an IPv6 network of 64 bits.
    Network(IpAddr),
    Named(Box<str>),
}

impl Caller {
    /// A caller by any text that tells callers apart. Who sends the request must not be
    /// able to choose it: otherwise everybody is a new caller with each request.
    pub fn named(name: impl Into<String>) -> Self {
        Caller(Kind::Named(name.into().into_boxed_str()))
    }

    /// The default: [`PeerAddress`], else axum's `ConnectInfo` (feature `axum`).
    pub(crate) fn of_peer(parts: &Parts) -> Option<Self> {
        let inserted = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
        inserted.or_else(|| connected(parts)).map(Caller::from)
    }
}

/// An IPv4 address as it is, and an IPv6 address by its network of 64 bits, because one
/// caller has at least that many IPv6 addresses.
impl From<IpAddr> for Caller {
    fn from(address: IpAddr) -> Self {
        Caller(Kind::Network(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            v4 => v4,
        }))
    }
}

/// Without the address or the name, which is about a person.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(…)")
    }
}

/// A caller as it is counted: a keyed hash, so that each takes the same room, however long
/// its name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallerKey(u64);

/// Makes the keys. The key of the hash is random, so that nobody can choose a caller whose
/// count is that of another.
#[derive(Default)]
pub(crate) struct CallerKeys(RandomState);

impl CallerKeys {
    pub(crate) fn of(&self, caller: &Caller) -> CallerKey {
        CallerKey(self.0.hash_one(caller))
    }
}

/// The address at the other end of the connection, as an extension of the request. Your
/// server inserts it where it accepts connections. With axum's
/// `into_make_service_with_connect_info` and the feature `axum` it is not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddress(pub IpAddr);

/// The address that axum's server knows, or a test has set.
#[cfg(feature = "axum")]
fn connected(parts: &Parts) -> Option<IpAddr> {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;
    use axum::extract::connect_info::MockConnectInfo;

    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer);
    let mock = || parts.extensions.get::<MockConnectInfo<SocketAddr>>().map(|mock| &mock.0);
    peer.or_else(mock).map(SocketAddr::ip)
}

#[cfg(not(feature = "axum"))]
fn connected(_: &Parts) -> Option<IpAddr> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(address: &str) -> Caller {
        Caller::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_ipv6_caller_is_a_network_of_64_bits() {
        assert_eq!(caller("2001:db8:1:2::1"), caller("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(caller("2001:db8:1:2::1"), caller("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_caller_is_an_address_however_it_is_written() {
        assert_ne!(caller("192.0.2.1"), caller("192.0.2.2"));
        assert_eq!(caller("192.0.2.1"), caller("::ffff:192.0.2.1"));
        assert_ne!(caller("192.0.2.1"), caller("::ffff:192.0.2.2"));
    }

    #[test]
    fn a_name_is_no_address() {
        assert_ne!(caller("192.0.2.1"), Caller::named("192.0.2.1"));
        assert_eq!(Caller::named("a"), Caller::named(String::from("a")));
        assert_eq!(format!("{:?}", Caller::named("somebody")), "Caller(…)");
    }
}
