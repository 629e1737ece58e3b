//! TLS for the client's own connections: rustls with ring. It trusts the certificates
//! that the operating system trusts.

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::Error;

/// The TLS configuration. Without `https` it trusts no certificate, so that a client for
/// plain HTTP works on a machine that has no certificates installed.
///
/// The crypto provider is given explicitly, so that the default provider of the process
/// is neither needed nor set.
pub(crate) fn config(https: bool) -> Result<ClientConfig, Error> {
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|tls| match https {
            true => tls.with_platform_verifier(),
            false => Ok(tls.with_root_certificates(rustls::RootCertStore::empty())),
        })
        .map_err(|error| Error::configuration(format!("TLS cannot be set up: {error}")))?;
    Ok(tls.with_no_client_auth())
}
