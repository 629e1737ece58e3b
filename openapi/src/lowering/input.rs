//! The document that is lowered: how it is read, and how a place in it is refused.

use serde_json::Value;

use super::keywords::AllowedKeys;
use crate::document::{Document, reference};
use crate::error::{Error, Result};
use crate::pointer;

/// The corrected document. Places in it are JSON pointers.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    document: &'a Document,
}

impl<'a> Input<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Input { document }
    }

    /// The name of the document, for errors.
    pub(super) fn name(self) -> &'a str {
        self.document.name()
    }

    /// The whole document.
    pub(super) fn root(self) -> &'a Value {
        self.document.root()
    }

    /// Whether the document is OpenAPI 3.0, in which `nullable` has a meaning.
    pub(super) fn is_3_0(self) -> bool {
        let version = self.root()["openapi"].as_str();
        version.is_some_and(|version| version.starts_with("3.0."))
    }

    /// The value at `place`, or an error if there is none.
    pub(super) fn at(self, place: &str) -> Result<&'a Value> {
        let found = self.root().pointer(place);
        found.ok_or_else(|| self.refuse(place, "is missing"))
    }

    /// The value at `place` and its place; if it is a `$ref`, those of its target.
    pub(super) fn follow(self, place: &str) -> Result<(String, &'a Value)> {
        let mut place = place.to_owned();
        let mut value = self.at(&place)?;
        while let Some(target) = reference(value) {
            let siblings = members(value)
                .any(|(key, _)| !matches!(key.as_str(), "$ref" | "summary" | "description"));
            if siblings {
                return Err(self.refuse(
                    &place,
                    "has other keys next to `$ref`, which have no effect; remove them",
                ));
            }
            let next = pointer::of_reference(target);
            place =
                next.ok_or_else(|| self.refuse(&place, "refers to a place that does not exist"))?;
            value = self.at(&place)?;
        }
        Ok((place, value))
    }

    /// Refuses an object that has a key which is not allowed.
    pub(super) fn check_keys(
        self,
        place: &str,
        value: &Value,
        allowed: &AllowedKeys,
    ) -> Result<()> {
        let Some(map) = value.as_object() else {
            return Err(self.refuse(place, format!("is not a mapping; {} is expected", allowed.of)));
        };
        match map.iter().find(|(key, value)| !allowed.allows(key, value)) {
            Some((key, _)) => Err(self.refuse(
                &pointer::join(place, key),
                format!(
                    "is a key of {} that the bindings cannot express; {}",
                    allowed.of,
                    allowed.hint(key)
                ),
            )),
            None => Ok(()),
        }
    }

    /// An error about `place`.
    pub(super) fn refuse(self, place: &str, message: impl Into<String>) -> Error {
        self.document.error(place, message)
    }
}

/// The members of a mapping; none if it is something else.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
