//! A certificate of the test's own, for a Redis that speaks TLS.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority and a certificate for loopback that it has signed, all as PEM.
pub struct Certificate {
    /// What a client has to trust.
    pub authority: String,
    /// What the server shows.
    pub chain: String,
    /// The server's private key.
    pub key: String,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Certificate {
    /// For `localhost` and 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If the operating system gives no random numbers.
    pub fn for_loopback() -> Self {
        Certificate::signed().expect("a certificate can be made")
    }

    fn signed() -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        Ok(Certificate {
            authority: authority.pem(),
            chain: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}
