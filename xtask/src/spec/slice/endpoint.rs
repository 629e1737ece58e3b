//! Where a document has the payments operation.

use std::fmt;

use anyhow::{Context, Result, bail};
use figma_payments_openapi::{Document, operation};
use serde_json::Value;

/// The methods that a path item can have.
pub(super) const METHODS: [&str; 8] =
    ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The path and method of the payments operation in a document. An older or newer
/// document may have it elsewhere than [`operation`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The path, such as `/v1/payments`.
    pub path: String,
    /// The method as the path item has it, such as `get`.
    pub method: &'static str,
}

impl Endpoint {
    /// Finds the payments operation by its id, or by its method and path.
    ///
    /// # Errors
    ///
    /// The document has no such operation, or more than one.
    pub fn find(document: &Document) -> Result<Self> {
        let operations = operations(document)?;
        let found: Vec<_> = operations
            .iter()
            .filter(|(endpoint, operation)| {
                operation["operationId"] == operation::ID
                    || (endpoint.path == operation::PATH
                        && endpoint.method == operation::METHOD_KEY)
            })
            .collect();
        // If both its id and its method have changed, it is still found by its path.
        let found = match found.is_empty() {
            true => operations.iter().filter(|(it, _)| it.path == operation::PATH).collect(),
            false => found,
        };
        match found[..] {
            [(endpoint, _)] => Ok(endpoint.clone()),
            [] => bail!(
                "{}: #/paths: has no payments operation; `{} {}` or the operationId `{}` is expected",
                document.name(),
                operation::METHOD,
                operation::PATH,
                operation::ID,
            ),
            [(one, _), (two, _), ..] => bail!(
                "{}: #/paths: has two payments operations, `{one}` and `{two}`; one is expected",
                document.name(),
            ),
        }
    }

    /// The path item that has the operation.
    pub fn item<'a>(&self, document: &'a Document) -> &'a Value {
        document.resolve(&document.root()["paths"][&self.path])
    }

    /// The operation itself.
    pub fn operation<'a>(&self, document: &'a Document) -> &'a Value {
        &self.item(document)[self.method]
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.to_uppercase(), self.path)
    }
}

/// Every operation of a document.
fn operations(document: &Document) -> Result<Vec<(Endpoint, &Value)>> {
    let paths = document.root()["paths"].as_object();
    let paths = paths.with_context(|| {
        let name = document.name();
        format!("{name}: #/paths: is missing or not a mapping")
    })?;
    let mut operations = Vec::new();
    for (path, item) in paths {
        let item = document.resolve(item);
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let path = path.clone();
                operations.push((Endpoint { path, method }, operation));
            }
        }
    }
    Ok(operations)
}
