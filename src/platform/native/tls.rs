//! TLS for the client's own connections: rustls with ring, trusting what the
//! operating system trusts.

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::Error;

/// The configuration; without trust in anybody if no TLS will be spoken, so that
/// loopback needs no certificates installed. The provider is named, so that the
/// default of the process is neither needed nor set.
pub(crate) fn config(trusting: bool) -> Result<ClientConfig, Error> {
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|tls| match trusting {
            true => tls.with_platform_verifier(),
            false => Ok(tls.with_root_certificates(rustls::RootCertStore::empty())),
        })
        .map_err(|error| Error::configuration(format!("TLS cannot be set up: {error}")))?;
    Ok(tls.with_no_client_auth())
}
