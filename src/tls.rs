//! TLS for the client's own connections: rustls with ring, trusting what the
//! operating system trusts. reqwest's default would build aws-lc, in C.

use reqwest::ClientBuilder;

use crate::Error;

/// The user's own HTTP client, or one with our TLS; without trust in anybody if
/// no TLS will be spoken, so that loopback needs no certificates installed.
#[cfg(feature = "rustls")]
pub(crate) fn with_tls(own: Option<ClientBuilder>, trusting: bool) -> Result<ClientBuilder, Error> {
    use rustls::crypto::{CryptoProvider, ring};
    use rustls_platform_verifier::BuilderVerifierExt;

    if let Some(own) = own {
        // reqwest panics over a builder if there is no provider at all. Somebody
        // else may be faster to set one, which serves as well.
        if CryptoProvider::get_default().is_none() {
            let _ = ring::default_provider().install_default();
        }
        return Ok(own);
    }
    let tls = rustls::ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|tls| match trusting {
            true => tls.with_platform_verifier(),
            false => Ok(tls.with_root_certificates(rustls::RootCertStore::empty())),
        })
        .map_err(|error| Error::configuration(format!("TLS cannot be set up: {error}")))?;
    Ok(ClientBuilder::new().tls_backend_preconfigured(tls.with_no_client_auth()))
}

/// The user's own HTTP client, or one as reqwest makes it.
#[cfg(not(feature = "rustls"))]
pub(crate) fn with_tls(
    own: Option<ClientBuilder>,
    _trusting: bool,
) -> Result<ClientBuilder, Error> {
    Ok(own.unwrap_or_default())
}
