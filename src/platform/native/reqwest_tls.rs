//! What TLS reqwest was built with: the features that the whole program has
//! turned on for it, which cargo does not tell. But a method that reqwest has
//! goes before one of the same name in a trait of ours.

#[cfg(feature = "rustls")]
use reqwest::Client;
use reqwest::ClientBuilder;

/// Whether it speaks TLS at all.
pub(crate) fn is_there() -> bool {
    ClientBuilder::new().tls_info(false).speaks_tls()
}

/// A client that makes requests and never sends one. It is given a TLS, because
/// reqwest looks for certificates and a provider otherwise, and may find none.
#[cfg(feature = "rustls")]
pub(crate) fn without_connections(tls: &rustls::ClientConfig) -> reqwest::Result<Client> {
    let given = ClientBuilder::new().no_proxy().tls_backend_preconfigured(tls.clone()).build();
    // A reqwest that has native-tls and no rustls does not know what it is given.
    given.or_else(|_| ClientBuilder::new().no_proxy().build())
}

/// The methods of a [`ClientBuilder`] without TLS.
#[allow(dead_code, reason = "reqwest's own go first, where it has them")]
trait WithoutTls: Sized {
    fn tls_info(self, _: bool) -> Missing {
        Missing
    }

    fn tls_backend_preconfigured(self, _: impl std::any::Any) -> Self {
        self
    }
}

impl WithoutTls for ClientBuilder {}

#[allow(dead_code, reason = "what `WithoutTls` answers")]
struct Missing;

trait Answer {
    fn speaks_tls(&self) -> bool;
}

impl Answer for ClientBuilder {
    fn speaks_tls(&self) -> bool {
        true
    }
}

impl Answer for Missing {
    fn speaks_tls(&self) -> bool {
        false
    }
}
