//! The payments part of a document, and its text in the bundled file.

use anyhow::{Result, ensure};
use figma_payments_openapi::Document;
use serde_json::Value;

use super::circles;
use crate::spec::digest::sha256;

/// The payments part of a document.
#[derive(Debug, Clone)]
pub struct Slice {
    document: Document,
}

impl Slice {
    pub(super) fn new(name: &str, root: Value) -> Result<Self> {
        let document = Document::from_value(name, root)?;
        circles::check(&document)?;
        Ok(Slice { document })
    }

    /// The part, as a document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// `info.version`; empty if there is none.
    pub fn version(&self) -> &str {
        let version = self.document.root()["info"]["version"].as_str();
        version.unwrap_or_default()
    }

    /// `info.title`; empty if there is none.
    pub fn title(&self) -> &str {
        let title = self.document.root()["info"]["title"].as_str();
        title.unwrap_or_default()
    }

    /// A hash of the part without `info`, which changes with every release of the whole
    /// document. The order of keys does not matter.
    pub fn hash(&self) -> String {
        let mut root = self.document.root().clone();
        if let Some(root) = root.as_object_mut() {
            root.remove("info");
        }
        root.sort_all_objects();
        sha256(root.to_string().as_bytes())
    }

    /// The text of the bundled file. The same document always gives the same text.
    /// `origin` is one line that says where the document came from.
    ///
    /// # Errors
    ///
    /// The text does not give the same document when it is read again.
    pub fn to_yaml(&self, origin: &str) -> Result<String> {
        let body = yaml_serde::to_string(self.document.root())?;
        let text = format!(
            "# The payments part of Figma's OpenAPI document, from {origin}.\n\
             # Cut out by `cargo xtask update-spec`; never edited by hand.\n{body}"
        );
        let again = Document::parse(self.document.name(), &text)?;
        ensure!(
            again == self.document,
            "{}: is not the same document after it was written and read again",
            self.document.name()
        );
        Ok(text)
    }
}
