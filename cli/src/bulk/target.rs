//! What a run asks about, and whom. A run continues only an output with the same target:
//! what a sandbox says about a user is not what Figma says.

use std::fmt;

use figma_payments::Resource;

/// A resource, and the server that is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kind of resource, as the API spells it.
    pub resource_type: String,
    pub resource_id: String,
    /// The base URL.
    pub server: String,
}

impl Target {
    pub fn new(resource: &Resource, server: String) -> Self {
        Target {
            resource_type: resource.resource_type().to_string(),
            resource_id: resource.id().to_owned(),
            server,
        }
    }

    pub fn same_resource(&self, other: &Target) -> bool {
        self.resource_type == other.resource_type && self.resource_id == other.resource_id
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.resource_type.to_lowercase().replace('_', " ");
        write!(f, "{kind} {} from {}", self.resource_id, self.server)
    }
}
