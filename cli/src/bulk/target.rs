//! What an output is about. A run goes on only from answers about the same: what
//! a sandbox said of a user is not what Figma says.

use std::fmt;

use figma_payments::Resource;

/// A resource, and the server that is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The API's word for the kind of resource.
    pub resource_type: String,
    pub resource_id: String,
    /// The base URL.
    pub server: String,
}

impl Subject {
    pub fn new(resource: &Resource, server: String) -> Self {
        Subject {
            resource_type: resource.resource_type().to_string(),
            resource_id: resource.id().to_owned(),
            server,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.resource_type.to_lowercase().replace('_', " ");
        write!(f, "{kind} {} from {}", self.resource_id, self.server)
    }
}
