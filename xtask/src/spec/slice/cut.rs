//! Cuts the payments part out of a document.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use figma_payments_openapi::{Document, references};
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, METHODS};
use super::part::Slice;

/// The sections of `components`, in the order in which they are written.
const SECTIONS: [&str; 10] = [
    "securitySchemes",
    "parameters",
    "schemas",
    "requestBodies",
    "responses",
    "headers",
    "examples",
    "links",
    "callbacks",
    "pathItems",
];

/// Cuts the payments part out of a document. A document that is already only that part
/// stays as it is.
///
/// # Errors
///
/// The document has no payments operation or two of them, a security scheme that the
/// operation uses is not defined, or the operation refers to another part of the
/// document.
pub fn slice(document: &Document) -> Result<Slice> {
    let root = document.root();
    let endpoint = Endpoint::find(document)?;
    let operation = endpoint.operation(document);

    let mut item = endpoint.item(document).clone();
    if let Some(item) = item.as_object_mut() {
        item.retain(|key, _| key == endpoint.method || !METHODS.contains(&key.as_str()));
    }
    let mut cut = Map::new();
    for key in ["openapi", "jsonSchemaDialect", "info", "servers"] {
        if let Some(value) = root.get(key) {
            cut.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(tags) = root["tags"].as_array() {
        let own = operation["tags"].as_array();
        let mut tags = tags.clone();
        tags.retain(|tag| own.is_some_and(|own| own.contains(&tag["name"])));
        // A link to documentation is not part of the API.
        for tag in tags.iter_mut().filter_map(Value::as_object_mut) {
            tag.remove("externalDocs");
        }
        cut.insert("tags".to_owned(), Value::Array(tags));
    }
    let security = operation.get("security").or_else(|| root.get("security"));
    if operation.get("security").is_none() && security.is_some() {
        cut.insert("security".to_owned(), json!(security));
    }
    cut.insert("paths".to_owned(), json!({ endpoint.path.as_str(): item }));
    let schemes = security_schemes(document, security)?;
    let components = closure(document, &Value::Object(cut.clone()), schemes)?;
    cut.insert("components".to_owned(), components);
    Slice::new(document.name(), Value::Object(cut))
}

fn security_schemes(document: &Document, security: Option<&Value>) -> Result<Vec<String>> {
    let alternatives = security.and_then(Value::as_array).into_iter().flatten();
    let names = alternatives.filter_map(Value::as_object).flatten();
    names
        .map(|(name, _)| {
            let place = format!("/components/securitySchemes/{name}");
            match document.root().pointer(&place) {
                Some(_) => Ok(place),
                None => Err(anyhow!(
                    "{}: #{place}: is missing, but the operation uses it",
                    document.name()
                )),
            }
        })
        .collect()
}

/// The components at the pointers in `wanted`, those that `start` refers to, and those
/// that these refer to, and so on.
fn closure(document: &Document, start: &Value, mut wanted: Vec<String>) -> Result<Value> {
    let mut kept = BTreeSet::new();
    wanted.extend(targets("", start));
    while let Some(pointer) = wanted.pop() {
        let mut segments = pointer.split('/').skip(1);
        let (root, section, name) = (segments.next(), segments.next(), segments.next());
        let (Some("components"), Some(section), Some(name)) = (root, section, name) else {
            if start.pointer(&pointer).is_some() {
                continue;
            }
            bail!(
                "{}: `$ref: #{pointer}`, which the payments operation uses, refers to another part of the document; only references to `#/components/…` are supported",
                document.name()
            );
        };
        let place = format!("/components/{section}/{name}");
        if kept.insert((section.to_owned(), unescaped(name)))
            && let Some(value) = document.root().pointer(&place)
        {
            wanted.extend(targets(&place, value));
        }
    }
    let mut components = Map::new();
    for section in SECTIONS {
        let names = kept.iter().filter(|(of, _)| of == section);
        let members: Map<String, Value> = names
            .map(|(_, name)| {
                let value = &document.root()["components"][section][name];
                (name.clone(), value.clone())
            })
            .collect();
        if !members.is_empty() {
            components.insert(section.to_owned(), Value::Object(members));
        }
    }
    Ok(Value::Object(components))
}

/// The targets of the references in `value`.
fn targets(at: &str, value: &Value) -> Vec<String> {
    references(at, value)
        .filter_map(|(_, target)| target.as_str()?.strip_prefix('#').map(str::to_owned))
        .collect()
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}
