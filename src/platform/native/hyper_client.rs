//! The default HTTP client: hyper, with rustls, and through the proxy that the
//! environment names.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{Scheme, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use reqwest::{Body, Request, Response};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::error::HttpError;
use crate::platform::http_settings::HttpSettings;

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// The same values as in reqwest.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct HyperClient {
    hyper: Client<Connector, Body>,
    proxies: Arc<Matcher>,
    user_agent: HeaderValue,
}

impl HyperClient {
    pub(crate) fn new(tls: ClientConfig, settings: HttpSettings) -> Self {
        let HttpSettings { connect_timeout, user_agent, loopback, .. } = settings;
        let tls = Arc::new(tls);
        let proxies = match loopback {
            true => Matcher::builder().build(),
            false => Matcher::from_system(),
        };
        let proxies = Arc::new(proxies);
        let route = Route {
            tcp: tcp(connect_timeout),
            tls: Arc::clone(&tls),
            proxies: Arc::clone(&proxies),
            user_agent: user_agent.clone(),
        };
        let connector = Connector { https: (route, tls).into(), timeout: connect_timeout };
        let hyper = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .build(connector);
        HyperClient { hyper, proxies, user_agent }
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let mut request = http::Request::try_from(request).map_err(HttpError::Reqwest)?;
        request.headers_mut().insert(USER_AGENT, self.user_agent.clone());
        if let Some(credential) = self.proxy_credential(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, credential);
        }
        let response = self.hyper.request(request).await.map_err(HttpError::Hyper)?;
        Ok(response.map(Body::wrap).into())
    }

    /// The password for a proxy that forwards plain HTTP, which is a header of the
    /// request. For https:// it is sent when the tunnel is made.
    fn proxy_credential(&self, target: &Uri) -> Option<HeaderValue> {
        let plain = target.scheme() == Some(&Scheme::HTTP);
        let proxy = if plain { self.proxies.intercept(target) } else { None };
        proxy?.basic_auth().cloned()
    }
}

/// Connects over TCP. It divides the time among the addresses of a host, so that an
/// address that does not answer leaves time for the others.
fn tcp(connect_timeout: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE));
    tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    tcp.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
    tcp
}

/// Connects to the server, including TLS, within the timeout.
#[derive(Clone)]
struct Connector {
    https: HttpsConnector<Route>,
    timeout: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<RouteStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = self.https.call(target);
        let timeout = self.timeout;
        Box::pin(async move { tokio::time::timeout(timeout, connecting).await? })
    }
}

/// Connects to the server directly or through a proxy, without TLS to the server.
#[derive(Clone)]
struct Route {
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
    proxies: Arc<Matcher>,
    user_agent: HeaderValue,
}

impl Service<Uri> for Route {
    type Response = RouteStream;
    type Error = BoxError;
    type Future = Connecting<RouteStream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let mut route = self.clone();
        Box::pin(async move {
            match route.proxies.intercept(&target) {
                Some(proxy) => route.connect_through(proxy, target).await,
                None => {
                    Ok(RouteStream { stream: route.tcp.call(target).await?.into(), proxied: false })
                }
            }
        })
    }
}

impl Route {
    async fn connect_through(self, proxy: Intercept, target: Uri) -> Result<RouteStream, BoxError> {
        let scheme = proxy.uri().scheme();
        if scheme != Some(&Scheme::HTTP) && scheme != Some(&Scheme::HTTPS) {
            return Err("the proxy that the environment names does not begin with http:// or https://; other proxies are not supported".into());
        }
        let mut to_proxy = HttpsConnector::from((self.tcp, self.tls));
        if target.scheme() == Some(&Scheme::HTTP) {
            return Ok(RouteStream {
                stream: to_proxy.call(proxy.uri().clone()).await?,
                proxied: true,
            });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy)
            .with_headers(HeaderMap::from_iter([(USER_AGENT, self.user_agent)]));
        if let Some(credential) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credential.clone());
        }
        Ok(RouteStream { stream: tunnel.call(target).await?, proxied: false })
    }
}

/// A connection to the server or to a proxy. TLS with the server comes on top of it.
struct RouteStream {
    /// With TLS if the proxy is https://.
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    /// A proxy forwards the requests, so they need the whole URL.
    proxied: bool,
}

impl Connection for RouteStream {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.proxied)
    }
}

impl Read for RouteStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for RouteStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
