//! Where Redis is and how to log in: what the URLs say.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use zeroize::Zeroizing;

use crate::error::Error;

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const MAX_AGE: Duration = Duration::from_secs(600);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// A name or an IP address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What the link has to know.
pub(crate) struct LinkSettings {
    /// Of Redis, of nodes of one cluster, or of the Sentinels. There is at least one.
    pub(crate) addresses: Vec<Address>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) database: u32,
    pub(crate) tls: bool,
    /// In PEM; trusted besides those that the operating system trusts.
    pub(crate) root_certificates: Option<String>,
    /// The name of the master that the Sentinels watch.
    pub(crate) sentinel: Option<String>,
    /// The longest time for one command.
    pub(crate) timeout: Duration,
    /// A connection is replaced after about this time: a name may lead elsewhere by then.
    pub(crate) max_age: Duration,
}

impl LinkSettings {
    /// Reads `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS.
    /// Several URLs may differ in host and port alone. With the name of a `sentinel`'s
    /// master they are those of the Sentinels.
    pub(crate) fn new(
        urls: &[impl AsRef<str>],
        sentinel: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let port = if sentinel.is_some() { SENTINEL_PORT } else { REDIS_PORT };
        let mut urls = urls.iter().map(|url| read(url.as_ref(), port));
        let (address, login) = urls.next().unwrap_or_else(|| Err(refuse("is missing")))?;
        let mut addresses = vec![address];
        for url in urls {
            let (address, other) = url?;
            if other != login {
                return Err(refuse(
                    "has another scheme, user, password or database than the one before",
                ));
            }
            addresses.push(address);
        }
        Ok(LinkSettings {
            addresses,
            username: login.username,
            password: login.password,
            database: login.database,
            tls: login.tls,
            root_certificates: None,
            sentinel: sentinel.map(str::to_owned),
            timeout,
            max_age: MAX_AGE,
        })
    }
}

/// What is the same in all URLs.
#[derive(PartialEq)]
struct Login {
    tls: bool,
    username: Option<String>,
    password: Option<Zeroizing<String>>,
    database: u32,
}

/// The error never quotes the URL: it may hold a password.
fn refuse(why: &str) -> Error {
    Error::configuration(format!(
        "the URL of Redis {why}; use one like redis://redis.internal:6379/0 or rediss://user:password@redis.internal:6380"
    ))
}

fn read(text: &str, default_port: u16) -> Result<(Address, Login), Error> {
    let url = Url::parse(text).map_err(|error| refuse(&format!("is not a URL ({error})")))?;
    let tls = match url.scheme() {
        "redis" => false,
        "rediss" => true,
        _ => return Err(refuse("does not begin with redis:// or rediss://")),
    };
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| refuse("names no host"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse(
            "has a query or a fragment (in a password, write # as %23 and ? as %3F)",
        ));
    }
    let database = match url.path().trim_start_matches('/') {
        "" => 0,
        number => number.parse().map_err(|_| refuse("has a database that is no number"))?,
    };
    let address = Address {
        host: decode(host)?.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(default_port),
    };
    let username = Some(decode(url.username())?).filter(|name| !name.is_empty());
    let password = url.password().map(decode).transpose()?.map(Zeroizing::new);
    Ok((address, Login { tls, username, password, database }))
}

fn decode(text: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| refuse("has an escape (%) that is no UTF-8"))?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn settings(url: &str) -> Result<LinkSettings, Error> {
        LinkSettings::new(&[url], None, Duration::from_millis(100))
    }

    #[test]
    fn a_url_says_where_redis_is_and_how_to_log_in() {
        let it = settings("redis://redis.internal").unwrap();
        assert_eq!(it.addresses, [Address { host: "redis.internal".to_owned(), port: 6379 }]);
        assert_eq!((it.tls, it.database), (false, 0));
        assert!(it.username.is_none() && it.password.is_none());

        let it = settings("rediss://app:p%40ss%2Fw%25rd@[::1]:7000/12").unwrap();
        assert_eq!(it.addresses, [Address { host: "::1".to_owned(), port: 7000 }]);
        assert_eq!((it.tls, it.database), (true, 12));
        assert_eq!(it.username.as_deref(), Some("app"));
        assert_eq!(it.password.unwrap().as_str(), "p@ss/w%rd");

        let it = settings("redis://:secret@127.0.0.1:7000/").unwrap();
        assert!(it.username.is_none());
        assert_eq!(it.password.unwrap().as_str(), "secret");
    }

    #[test]
    fn several_urls_name_nodes_or_sentinels() {
        let urls = ["redis://:s@a", "redis://:s@b:7000"];
        let it = LinkSettings::new(&urls, Some("main"), Duration::ZERO).unwrap();
        let ports: Vec<u16> = it.addresses.iter().map(|it| it.port).collect();
        assert_eq!(ports, [26379, 7000]);
        for other in ["redis://:t@b", "rediss://:s@b", "redis://:s@b/1", "redis://x:s@b"] {
            let error = LinkSettings::new(&["redis://:s@a", other], None, Duration::ZERO);
            assert!(error.err().unwrap().to_string().contains("than the one before"));
        }
    }

    #[test]
    fn a_wrong_url_is_refused_without_quoting_it() {
        for (url, why) in [
            ("http://:MARKED@redis.internal", "does not begin with redis://"),
            ("redis+unix:///MARKED", "does not begin with redis://"),
            ("redis.internal:6379", "does not begin with redis://"),
            ("MARKED", "is not a URL"),
            ("", "is not a URL"),
            ("redis://:MARKED@", "is not a URL"),
            ("redis:///3", "names no host"),
            ("redis:MARKED", "names no host"),
            ("redis://:MARKED@host:port", "is not a URL"),
            ("redis://:MARKED@host/main", "a database that is no number"),
            ("redis://:MARKED@host/-1", "a database that is no number"),
            ("redis://:MARKED@host/1/2", "a database that is no number"),
            ("redis://:MARKED@host/0?protocol=3", "a query or a fragment"),
            ("redis://host/#MARKED", "a query or a fragment"),
            ("redis://:MARKED%FF@host", "is no UTF-8"),
        ] {
            let error = settings(url).err().unwrap_or_else(|| panic!("{url} is not refused"));
            assert_eq!(error.kind(), ErrorKind::Configuration);
            let text = format!("{error} {error:?}");
            assert!(text.contains(why), "{url}: {text}");
            assert!(text.contains("redis://redis.internal:6379/0"), "{url}: {text}");
            assert!(!text.contains("MARKED"), "{url}: {text}");
        }
        let none: [&str; 0] = [];
        assert!(LinkSettings::new(&none, None, Duration::ZERO).is_err());
    }
}
