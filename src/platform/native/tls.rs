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

/// The same for connections of another kind than HTTP. The certificates in `pem` are
/// trusted too.
#[cfg(feature = "redis")]
pub(crate) fn config_with(pem: Option<&str>) -> Result<ClientConfig, Error> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use rustls_platform_verifier::Verifier;

    let Some(pem) = pem else { return config(true) };
    let roots: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if roots.is_empty() {
        return Err(Error::configuration(
            "`root_certificates` is not a list of certificates in PEM; it has to have a block that begins with -----BEGIN CERTIFICATE----- for each of them",
        ));
    }
    let provider = std::sync::Arc::new(ring::default_provider());
    let refuse = |error| Error::configuration(format!("TLS cannot be set up: {error}"));
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone()).map_err(refuse)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refuse)?
        .dangerous() // only the name: the verifier is the same as in `config`
        .with_custom_certificate_verifier(std::sync::Arc::new(verifier))
        .with_no_client_auth())
}
