//! A slice as text: the same document gives the same bytes, and says at its
//! top where it came from.

use anyhow::{Result, ensure};
use figma_payments_openapi::Document;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The payments part of a document.
#[derive(Debug, Clone)]
pub struct Slice {
    document: Document,
}

impl Slice {
    pub(super) fn new(name: &str, root: Value) -> Result<Self> {
        let document = Document::from_value(name, root)?;
        super::circles::check(&document)?;
        Ok(Slice { document })
    }

    /// The part, as a document of its own.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// `info.version`, or nothing.
    pub fn version(&self) -> &str {
        let version = self.document.root()["info"]["version"].as_str();
        version.unwrap_or_default()
    }

    /// `info.title`, or nothing.
    pub fn title(&self) -> &str {
        let title = self.document.root()["info"]["title"].as_str();
        title.unwrap_or_default()
    }

    /// What tells two slices apart: all of it but `info`, which changes with
    /// every release of the whole document, and but the order of keys.
    pub fn hash(&self) -> String {
        let mut root = self.document.root().clone();
        if let Some(root) = root.as_object_mut() {
            root.remove("info");
        }
        root.sort_all_objects();
        sha256(root.to_string().as_bytes())
    }

    /// The text of the bundled file. `origin` is a line about where it came
    /// from.
    ///
    /// # Errors
    ///
    /// The text would not read back as what was written.
    pub fn to_yaml(&self, origin: &str) -> Result<String> {
        let body = yaml_serde::to_string(self.document.root())?;
        let text = format!(
            "# The payments part of Figma's OpenAPI document, from {origin}.\n\
             # Cut out by `cargo xtask update-spec`; never edited by hand.\n{body}"
        );
        let again = Document::parse(self.document.name(), &text)?;
        ensure!(
            again == self.document,
            "{}: changes when it is written and read again",
            self.document.name()
        );
        Ok(text)
    }
}

/// The SHA-256 of `bytes`, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
