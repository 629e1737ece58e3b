//! Makes a connection that can be used: TCP, TLS, the login, the master that Sentinel
//! names, and the node of the cluster that has our slot.

use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisResult, Value, cmd};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::address::{Address, LinkSettings};
use super::checks::Checks;
use super::failure::Failure;
use crate::error::Error;

/// The longest time to find a connection, over all addresses.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an address is waited for before the next one is tried as well.
const HEAD_START: Duration = Duration::from_millis(250);
/// While a cluster moves a slot, two nodes may name each other.
const MAX_REDIRECTS: usize = 5;
const KEEPALIVE: Duration = Duration::from_secs(15);
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection, and the task that reads and writes for it. It is closed on drop.
pub(super) struct Wire {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: JoinHandle<()>,
    pub(super) address: Address,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why there is no connection.
pub(super) enum ConnectError {
    /// Redis is there, and a setting is wrong. When the program starts, that is an error.
    Settings(String),
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for ConnectError {
    fn from(error: E) -> Self {
        let failure = error.into();
        match failure.code().as_deref() {
            Some("NOAUTH") => ConnectError::Settings(
                "Redis asks for a password, and there is none (NOAUTH); use a URL like redis://user:password@redis.internal:6379".to_owned(),
            ),
            _ => ConnectError::Failed(failure),
        }
    }
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConnectError::Settings(text) => f.write_str(text),
            ConnectError::Failed(failure) => failure.fmt(f),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Connector {
    settings: LinkSettings,
    #[cfg(feature = "rustls")]
    tls: Option<tokio_rustls::TlsConnector>,
}

impl Connector {
    pub(super) fn new(settings: LinkSettings) -> Result<Self, Error> {
        if settings.username.is_some() && settings.password.is_none() {
            return Err(Error::configuration(
                "there is a user name for Redis and no password; if it is the password, use a URL like redis://:password@redis.internal:6379",
            ));
        }
        #[cfg(feature = "rustls")]
        let tls = match settings.tls {
            true => {
                let config =
                    crate::platform::tls::config_with(settings.root_certificates.as_deref())?;
                Some(std::sync::Arc::new(config).into())
            }
            false => None,
        };
        #[cfg(not(feature = "rustls"))]
        if settings.tls {
            return Err(Error::configuration(
                "the URL of Redis begins with rediss://, and figma-payments was built without TLS; turn on its feature `rustls`",
            ));
        }
        Ok(Connector {
            settings,
            #[cfg(feature = "rustls")]
            tls,
        })
    }

    /// A connection that passes the checks. All addresses are tried, `first` before the
    /// others; whichever can be used first is taken.
    pub(super) async fn connect(
        &self,
        first: Option<&Address>,
        checks: &Checks,
    ) -> Result<Wire, ConnectError> {
        let addresses = first.into_iter().chain(&self.settings.addresses);
        let mut wait = Duration::ZERO;
        let mut attempts = FuturesUnordered::new();
        for address in addresses {
            attempts.push(async move {
                sleep(wait).await;
                self.usable(address, checks).await
            });
            wait += HEAD_START;
        }
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let mut reason = Failure::TimedOut.into();
        while let Ok(Some(result)) = timeout_at(deadline, attempts.next()).await {
            match result {
                Ok(wire) => return Ok(wire),
                // What has to be mended is not hidden by an address that is just away.
                Err(error) if !matches!(reason, ConnectError::Settings(_)) => reason = error,
                Err(_) => {}
            }
        }
        Err(reason)
    }

    async fn usable(&self, address: &Address, checks: &Checks) -> Result<Wire, ConnectError> {
        let mut wire = match &self.settings.sentinel {
            Some(master) => self.open_master(address, master).await?,
            None => self.open(address).await?,
        };
        for _ in 0..MAX_REDIRECTS {
            let Err(failure) = checks.pass(&wire.connection).await else { return Ok(wire) };
            match failure.moved_to(&wire.address) {
                Some(node) => wire = self.open(&node).await?,
                None => return Err(failure.into()),
            }
        }
        Err(io::Error::other("the nodes of the cluster name each other").into())
    }

    /// Asks a Sentinel, and connects to the master that it names.
    async fn open_master(&self, sentinel: &Address, name: &str) -> Result<Wire, ConnectError> {
        let mut wire = self.dial(sentinel).await?;
        // A Sentinel may have the same login as Redis, or none.
        let _ = self.authenticate(&mut wire.connection).await;
        let mut question = cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(name);
        let answer: RedisResult<Option<(String, u16)>> =
            question.query_async(&mut wire.connection).await;
        let (host, port) = match answer.map_err(Failure::Refused) {
            Ok(Some(master)) => master,
            Ok(None) => {
                return Err(ConnectError::Settings(
                    "Sentinel knows no master of this name; use the one of `sentinel monitor` in its configuration".to_owned(),
                ));
            }
            Err(failure) if failure.code().as_deref() == Some("ERR") => {
                return Err(ConnectError::Settings(
                    "there is a Redis and no Sentinel at the URL of a Sentinel; its port is mostly 26379".to_owned(),
                ));
            }
            Err(failure) => return Err(failure.into()),
        };
        let mut wire = self.open(&Address { host, port }).await?;
        // A Sentinel may be behind. Without the permission for ROLE, a check has to find out.
        let role: RedisResult<Vec<Value>> = cmd("ROLE").query_async(&mut wire.connection).await;
        match role.as_deref() {
            Ok([Value::BulkString(role), ..]) if role != b"master" => {
                Err(io::Error::other("Sentinel names a server that is no master").into())
            }
            _ => Ok(wire),
        }
    }

    /// Connects and logs in.
    async fn open(&self, address: &Address) -> Result<Wire, ConnectError> {
        let mut wire = self.dial(address).await?;
        let connection = &mut wire.connection;
        if let Err(failure) = self.authenticate(connection).await {
            return Err(self.refused_login(failure));
        }
        if self.settings.database != 0 {
            let select = cmd("SELECT").arg(self.settings.database).exec_async(connection).await;
            if let Err(failure) = select.map_err(Failure::Refused) {
                return Err(match failure.code().as_deref() {
                    Some("ERR") => ConnectError::Settings(format!(
                        "Redis has no database {}; use a smaller number, and none in a cluster",
                        self.settings.database
                    )),
                    _ => failure.into(),
                });
            }
        }
        // For CLIENT LIST; not every user may do it.
        let _ =
            cmd("CLIENT").arg("SETNAME").arg(env!("CARGO_PKG_NAME")).exec_async(connection).await;
        Ok(wire)
    }

    async fn authenticate(&self, connection: &mut MultiplexedConnection) -> Result<(), Failure> {
        let Some(password) = &self.settings.password else { return Ok(()) };
        let mut auth = cmd("AUTH");
        auth.arg(&self.settings.username).arg(password.as_str());
        auth.exec_async(connection).await.map_err(Failure::Refused)
    }

    fn refused_login(&self, failure: Failure) -> ConnectError {
        let too_many_clients = matches!(&failure, Failure::Refused(error)
            if error.detail().is_some_and(|detail| detail.starts_with("max number of clients")));
        match failure.code() {
            Some(code)
                if matches!(&*code, "WRONGPASS" | "NOAUTH" | "NOPERM" | "ERR")
                    && !too_many_clients =>
            {
                ConnectError::Settings(format!(
                    "Redis refuses the user name and the password ({code}); check both, and leave them out if Redis has no password"
                ))
            }
            _ => failure.into(),
        }
    }

    /// Connects, without the login.
    async fn dial(&self, address: &Address) -> Result<Wire, ConnectError> {
        let stream = self.secured(tcp(address).await?, &address.host).await?;
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
            .await
            .map_err(Failure::Refused)?;
        Ok(Wire { connection, driver: tokio::spawn(driver), address: address.clone() })
    }

    async fn secured(&self, tcp: TcpStream, host: &str) -> io::Result<Box<dyn Stream>> {
        #[cfg(feature = "rustls")]
        if let Some(tls) = &self.tls {
            let name = rustls::pki_types::ServerName::try_from(host.to_owned());
            let name = name.map_err(io::Error::other)?;
            return Ok(Box::new(tls.connect(name, tcp).await?));
        }
        let _ = host;
        Ok(Box::new(tcp))
    }
}

/// Divides the time among the addresses of a host, so that one that does not answer
/// leaves time for the others.
async fn tcp(address: &Address) -> io::Result<TcpStream> {
    let found = tokio::net::lookup_host((&*address.host, address.port)).await?;
    let found: Vec<_> = found.collect();
    let mut reason = io::Error::other("the name of the host has no address");
    for address in &found {
        let share = CONNECT_TIMEOUT / found.len() as u32;
        match timeout(share, TcpStream::connect(address))
            .await
            .unwrap_or_else(|late| Err(late.into()))
        {
            Ok(tcp) => return prepared(tcp),
            Err(error) => reason = error,
        }
    }
    Err(reason)
}

fn prepared(tcp: TcpStream) -> io::Result<TcpStream> {
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(&tcp);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    #[cfg(not(any(target_os = "openbsd", target_os = "haiku")))]
    let keepalive = keepalive.with_interval(KEEPALIVE);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    socket.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT))?;
    Ok(tcp)
}
