//! TLS for the client's own connections: rustls with ring, trusting what the
//! operating system trusts. reqwest's default would build aws-lc, in C.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::Error;

pub(crate) fn config() -> Result<ClientConfig, Error> {
    let fail =
        |error: rustls::Error| Error::configuration(format!("TLS cannot be set up: {error}"));
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(fail)?
        .with_platform_verifier()
        .map_err(fail)?;
    Ok(config.with_no_client_auth())
}

/// reqwest panics over a builder of its own if there is no provider at all.
pub(crate) fn ensure_provider() {
    if CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster, which serves as well.
        let _ = ring::default_provider().install_default();
    }
}
