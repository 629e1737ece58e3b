//! The file `openapi/source.lock.toml`: where the bundled document came from, and which
//! version of Figma's own document was reviewed last. It has no timestamps, so that the
//! same source always gives the same file.

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::digest::sha256;
use super::slice::part::Slice;
use super::source::npm::{self, Package};
use super::source::origin::{Checksum, Origin};

const HEADER: &str = "\
# Where the bundled document came from, and the newest version of Figma's own
# that was reviewed. Written by `cargo xtask update-spec`, never by hand; a test
# compares it with the document. `sha256` is of the file, `integrity` of what it
# was cut out of, `slice` of the payments part without `info`.
";

/// The contents of the lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The bundled document.
    pub bundled: Bundled,
    /// The version that was reviewed last.
    pub reviewed: Option<Reviewed>,
}

/// The bundled document and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// A description of where it came from.
    pub source: String,
    /// Its `info.title`.
    pub title: String,
    /// Its `info.version`.
    pub version: String,
    /// The SHA-256 of the file.
    pub sha256: String,
    /// The checksum of the whole source before the payments part was cut out: the
    /// integrity of the npm package, or a SHA-256.
    pub checksum: Option<String>,
    /// The hash of the payments part.
    pub slice: String,
}

/// A version of Figma's own document that somebody reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// The version of the package, and its integrity.
    pub package: Package,
    /// The hash of its payments part.
    pub slice: String,
}

impl Bundled {
    /// The entry for a document that is about to be bundled.
    pub fn new(origin: &Origin, slice: &Slice, text: &str) -> Self {
        Bundled {
            source: origin.description.clone(),
            title: slice.title().to_owned(),
            version: slice.version().to_owned(),
            sha256: sha256(text.as_bytes()),
            checksum: Some(match &origin.checksum {
                Checksum::Npm(package) => package.integrity.clone(),
                Checksum::Sha256(digest) => format!("sha256-{digest}"),
            }),
            slice: slice.hash(),
        }
    }
}

impl Lock {
    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// It is not TOML, or an entry is missing.
    pub fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse().context("the lock is not TOML")?;
        let part = |name: &str| table.get(name).and_then(Value::as_table);
        let bundled = part("bundled").context("the lock has no [bundled]")?;
        let reviewed = part("reviewed").map(|reviewed| {
            Ok::<_, anyhow::Error>(Reviewed {
                package: Package {
                    version: npm::version(&entry(reviewed, "version")?)?,
                    integrity: entry(reviewed, "integrity")?,
                },
                slice: entry(reviewed, "slice")?,
            })
        });
        Ok(Lock {
            bundled: Bundled {
                source: entry(bundled, "source")?,
                title: entry(bundled, "title")?,
                version: entry(bundled, "version")?,
                sha256: entry(bundled, "sha256")?,
                checksum: entry(bundled, "integrity").ok(),
                slice: entry(bundled, "slice")?,
            },
            reviewed: reviewed.transpose()?,
        })
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let bundled = &self.bundled;
        let mut text = format!("{HEADER}\n[bundled]\n");
        let mut line = |key: &str, value: &str| {
            // A JSON string is also a TOML string.
            let value = serde_json::Value::from(value);
            text.push_str(&format!("{key} = {value}\n"));
        };
        line("source", &bundled.source);
        line("title", &bundled.title);
        line("version", &bundled.version);
        line("sha256", &bundled.sha256);
        if let Some(checksum) = &bundled.checksum {
            line("integrity", checksum);
        }
        line("slice", &bundled.slice);
        if let Some(Reviewed { package, slice }) = &self.reviewed {
            text.push_str("\n[reviewed]\n");
            let mut line =
                |key: &str, value: &str| text.push_str(&format!("{key} = \"{value}\"\n"));
            line("package", npm::NAME);
            line("version", &package.version.to_string());
            line("integrity", &package.integrity);
            line("slice", slice);
        }
        text
    }
}

fn entry(table: &Table, key: &str) -> Result<String> {
    let value = table.get(key).and_then(Value::as_str);
    let value = value.with_context(|| format!("the lock has no text value for `{key}`"))?;
    Ok(value.to_owned())
}
