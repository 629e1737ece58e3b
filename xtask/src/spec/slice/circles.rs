//! Refuses a schema that contains itself through `allOf`, `anyOf` or `oneOf`: a generator
//! would never end. A schema that contains itself through its properties or items, such
//! as a tree, is allowed.

use anyhow::{Result, bail};
use figma_payments_openapi::Document;
use serde_json::Value;

pub(super) fn check(document: &Document) -> Result<()> {
    let schemas = document.root()["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        if contains_itself(document, schema, &mut Vec::new()) {
            bail!(
                "{}: #/components/schemas/{name}: contains itself through allOf, anyOf or oneOf",
                document.name()
            );
        }
    }
    Ok(())
}

/// Whether `schema` contains one of the schemas in `open`, the ones that contain it.
fn contains_itself(document: &Document, schema: &Value, open: &mut Vec<*const Value>) -> bool {
    let target = document.resolve(schema);
    let address = std::ptr::from_ref(target);
    if open.contains(&address) {
        return true;
    }
    open.push(address);
    let parts = ["allOf", "anyOf", "oneOf"].iter().flat_map(|key| target[*key].as_array());
    let found = parts.flatten().any(|part| contains_itself(document, part, open));
    open.pop();
    found
}
