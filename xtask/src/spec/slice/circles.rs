//! Schemas that are put together from themselves: no value of them could be
//! described, and a generator that tried would never end. A schema whose
//! properties or items are of its own kind, such as a tree, is none of them.

use anyhow::{Result, bail};
use figma_payments_openapi::Document;
use serde_json::Value;

pub(super) fn check(document: &Document) -> Result<()> {
    let schemas = document.root()["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        if returns(document, schema, &mut Vec::new()) {
            bail!(
                "{}: #/components/schemas/{name}: goes in circles: it is put together from itself by allOf, anyOf or oneOf",
                document.name()
            );
        }
    }
    Ok(())
}

/// Whether the parts of `schema` lead to one that is in `open`.
fn returns(document: &Document, schema: &Value, open: &mut Vec<*const Value>) -> bool {
    let target = document.resolve(schema);
    let address = std::ptr::from_ref(target);
    if open.contains(&address) {
        return true;
    }
    open.push(address);
    let parts = ["allOf", "anyOf", "oneOf"].iter().flat_map(|key| target[*key].as_array());
    let found = parts.flatten().any(|part| returns(document, part, open));
    open.pop();
    found
}
