//! Fetching a document.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use figma_payments_openapi::{Document, MAX_BYTES};
use semver::Version;

use super::{https, npm};
use crate::spec::slice::sha256;

/// What `--source` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Figma's own package on npm: this version, or the newest.
    Npm(Option<Version>),
    /// An `https://` URL.
    Https(String),
    /// A local file.
    File(PathBuf),
}

/// A document as it was fetched.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// What it says.
    pub document: Document,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a document came from, for the lock and for the comment at its top.
/// Names nothing of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// In words.
    pub words: String,
    /// What tells these bytes from any others.
    pub checksum: Checksum,
}

/// What tells a source's bytes from any others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// The version of the package and its integrity.
    Npm(npm::Package),
    /// The SHA-256 of the text, in hexadecimal digits.
    Sha256(String),
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
                "the source `{text}` is not understood; npm, npm@VERSION, an https:// URL or a file is"
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
    /// One line: what could not be had, and what to do.
    pub fn fetch(&self) -> Result<Fetched> {
        let (text, words) = match self {
            Source::Npm(version) => return Fetched::of(&npm::view(version.as_ref())?),
            Source::Https(url) => (https::fetch(url)?, https::without_secrets(url)),
            Source::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                (read(path)?, format!("the file {name}"))
            }
        };
        let checksum = Checksum::Sha256(sha256(text.as_bytes()));
        Fetched::new(&self.to_string(), &text, Origin { words, checksum })
    }
}

impl Fetched {
    /// Fetches a version from npm; what comes has to be what `package` promises.
    ///
    /// # Errors
    ///
    /// As [`npm::fetch`], or a document that cannot be read.
    pub fn of(package: &npm::Package) -> Result<Self> {
        let text = npm::fetch(package)?;
        let checksum = Checksum::Npm(package.clone());
        let origin = Origin { words: package.to_string(), checksum };
        Fetched::new(&format!("npm@{}", package.version), &text, origin)
    }

    fn new(name: &str, text: &str, origin: Origin) -> Result<Self> {
        let document = Document::parse(name, text)?;
        Ok(Fetched { document, origin })
    }
}

/// Reads a file as text, but not one that is too large to be a document.
fn read(path: &Path) -> Result<String> {
    let file = File::open(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    read_text(file).with_context(|| format!("{}: cannot be taken", path.display()))
}

/// At most [`MAX_BYTES`] of UTF-8; of more, only so much is read.
pub(super) fn read_text(from: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        bail!("it is longer than {MAX_BYTES} bytes; an OpenAPI document is expected");
    }
    String::from_utf8(bytes).context("it is not UTF-8 text; an OpenAPI document is expected")
}
