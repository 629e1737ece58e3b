//! Finds out whether reqwest was built with TLS. That depends on the features that the
//! whole program turns on, and cargo does not tell them to this crate.
//!
//! So the compiler decides: a method of reqwest's own takes precedence over a method of
//! the same name in the trait [`WithoutTls`]. With TLS, reqwest has these methods.

#[cfg(feature = "rustls")]
use reqwest::Client;
use reqwest::ClientBuilder;

/// Whether reqwest speaks TLS.
pub(crate) fn is_available() -> bool {
    ClientBuilder::new().tls_info(false).speaks_tls()
}

/// A client that builds requests and never sends one. It gets this TLS configuration,
/// because otherwise reqwest looks for certificates and a provider, and fails if there
/// are none.
#[cfg(feature = "rustls")]
pub(crate) fn without_connections(tls: &rustls::ClientConfig) -> reqwest::Result<Client> {
    let with_tls = ClientBuilder::new().no_proxy().tls_backend_preconfigured(tls.clone()).build();
    // A reqwest with native-tls and without rustls refuses this configuration.
    with_tls.or_else(|_| ClientBuilder::new().no_proxy().build())
}

/// Stands in for the methods that a [`ClientBuilder`] without TLS does not have.
#[allow(dead_code, reason = "with TLS, reqwest's own methods are called")]
trait WithoutTls: Sized {
    fn tls_info(self, _: bool) -> NoTls {
        NoTls
    }

    fn tls_backend_preconfigured(self, _: impl std::any::Any) -> Self {
        self
    }
}

impl WithoutTls for ClientBuilder {}

/// What `tls_info` of [`WithoutTls`] returns, instead of a builder.
#[allow(dead_code, reason = "with TLS, reqwest's own methods are called")]
struct NoTls;

trait SpeaksTls {
    fn speaks_tls(&self) -> bool;
}

impl SpeaksTls for ClientBuilder {
    fn speaks_tls(&self) -> bool {
        true
    }
}

impl SpeaksTls for NoTls {
    fn speaks_tls(&self) -> bool {
        false
    }
}
