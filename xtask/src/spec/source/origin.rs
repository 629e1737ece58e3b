//! Where a fetched document came from.

use super::npm::Package;

/// Where a document came from, for the lock and for the comment in the bundled file. It
/// has no secrets and no local paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// A description, such as `npm @figma/rest-api-spec 0.43.0`.
    pub description: String,
    /// The checksum of what was fetched.
    pub checksum: Checksum,
}

/// The checksum of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// The version of the npm package and its integrity.
    Npm(Package),
    /// The SHA-256 of the text, in hexadecimal digits.
    Sha256(String),
}
