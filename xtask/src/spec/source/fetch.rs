//! Fetches a document from a source.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use figma_payments_openapi::Document;
use semver::Version;

use super::origin::{Checksum, Origin};
use super::{https, npm, read};
use crate::spec::digest::sha256;

/// What `--source` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Figma's own package on npm: this version, or the newest if there is none.
    Npm(Option<Version>),
    /// An `https://` URL.
    Https(String),
    /// A local file.
    File(PathBuf),
}

/// A document as it was fetched.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The document.
    pub document: Document,
    /// Where it came from.
    pub origin: Origin,
}

impl FromStr for Source {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "npm" {
            return Ok(Source::Npm(None));
        }
        if let Some(version) = text.strip_prefix("npm@") {
            return Ok(Source::Npm(Some(npm::version(version)?)));
        }
        if text.starts_with("https://") {
            return Ok(Source::Https(text.to_owned()));
        }
        if text.contains("://") {
            bail!(
                "the source `{text}` is not supported; use npm, npm@VERSION, an https:// URL or a file"
            );
        }
        Ok(Source::File(text.into()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Npm(None) => f.write_str("npm"),
            Source::Npm(Some(version)) => write!(f, "npm@{version}"),
            Source::Https(url) => f.write_str(&https::without_secrets(url)),
            Source::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Source {
    /// Fetches the document and reads it.
    ///
    /// # Errors
    ///
    /// One line that says what could not be fetched, and what to do.
    pub fn fetch(&self) -> Result<Fetched> {
        let (text, description) = match self {
            Source::Npm(version) => return Fetched::from_npm(&npm::view(version.as_ref())?),
            Source::Https(url) => (https::fetch(url)?, https::without_secrets(url)),
            Source::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                (read::file(path)?, format!("the file {name}"))
            }
        };
        let checksum = Checksum::Sha256(sha256(text.as_bytes()));
        Fetched::new(&self.to_string(), &text, Origin { description, checksum })
    }
}

impl Fetched {
    /// Fetches a version from npm and checks its integrity.
    ///
    /// # Errors
    ///
    /// Those of [`npm::fetch`], or the document cannot be read.
    pub fn from_npm(package: &npm::Package) -> Result<Self> {
        let text = npm::fetch(package)?;
        let checksum = Checksum::Npm(package.clone());
        let origin = Origin { description: package.to_string(), checksum };
        Fetched::new(&format!("npm@{}", package.version), &text, origin)
    }

    fn new(name: &str, text: &str, origin: Origin) -> Result<Self> {
        let document = Document::parse(name, text)?;
        Ok(Fetched { document, origin })
    }
}
