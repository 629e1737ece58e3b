//! Where a schema is used.

use super::checks::Subject;

/// Where a schema is used: a body, parameter or header, or a property inside of one.
#[derive(Debug, Clone)]
pub(super) struct SchemaPlace {
    pub(super) subject: Subject,
    /// The body, parameter or header, as reports name it.
    pub(super) owner: String,
    /// The path from there, such as `meta.payment_status`.
    path: String,
}

impl SchemaPlace {
    pub(super) fn new(subject: Subject, owner: impl Into<String>) -> Self {
        SchemaPlace { subject, owner: owner.into(), path: String::new() }
    }

    /// The place of a property or item.
    pub(super) fn inner(&self, step: &str) -> Self {
        let dot = if self.path.is_empty() || step.starts_with('[') { "" } else { "." };
        SchemaPlace {
            subject: self.subject.inner(),
            owner: self.owner.clone(),
            path: format!("{}{dot}{step}", self.path),
        }
    }

    /// The place as reports name it.
    pub(super) fn in_words(&self) -> String {
        match self.path.as_str() {
            "" => self.owner.clone(),
            path => format!("{}, `{path}`", self.owner),
        }
    }
}
