//! The document while it is being corrected.

use serde_json::Value;

use crate::document::{Document, reference};
use crate::error::{Error, Result};
use crate::pointer;

/// A copy of the document that the corrections change, one after the other.
pub(super) struct Draft<'a> {
    document: &'a Document,
    root: Value,
}

impl<'a> Draft<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Draft { document, root: document.root().clone() }
    }

    /// The corrected copy.
    pub(super) fn into_root(self) -> Value {
        self.root
    }

    /// The value at `pointer`, where the segments of the pointer may be `$ref`s.
    /// An error if it does not exist.
    pub(super) fn at(&mut self, pointer: &str) -> Result<&mut Value> {
        let place = self.find(pointer);
        place
            .and_then(|place| self.root.pointer_mut(&place))
            .ok_or_else(|| self.document.error(pointer, "is missing"))
    }

    /// Like [`at`](Self::at), but `None` if it does not exist.
    pub(super) fn get(&self, pointer: &str) -> Option<&Value> {
        self.root.pointer(&self.find(pointer)?)
    }

    /// An error about a place in the document.
    pub(super) fn error(&self, pointer: &str, message: impl Into<String>) -> Error {
        self.document.error(pointer, message)
    }

    /// The pointer without `$ref`s on the way.
    fn find(&self, pointer: &str) -> Option<String> {
        let mut place = String::new();
        for segment in pointer.split('/').skip(1) {
            place = format!("{place}/{segment}");
            while let Some(target) = reference(self.root.pointer(&place)?) {
                place = pointer::of_reference(target)?;
            }
        }
        Some(place)
    }
}
