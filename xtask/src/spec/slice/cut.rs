//! Cutting the payments part out of a document.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail};
use figma_payments_openapi::{Document, references};
use serde_json::{Map, Value, json};

use super::part::Slice;

const PATH: &str = "/v1/payments";
const OPERATION_ID: &str = "getPayments";
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

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

/// Where the payments operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its path, `/v1/payments`.
    pub path: String,
    /// Its method, `get`.
    pub method: &'static str,
}

impl Place {
    /// Finds the operation by its id, or else by its path.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn find(document: &Document) -> Result<Self> {
        let operations = all(document)?;
        let found: Vec<_> = operations
            .iter()
            .filter(|(place, operation)| {
                operation["operationId"] == OPERATION_ID
                    || (place.path == PATH && place.method == "get")
            })
            .collect();
        // An operation that lost both its id and its method is still at its path.
        let found = match found.is_empty() {
            true => operations.iter().filter(|(it, _)| it.path == PATH).collect(),
            false => found,
        };
        match found[..] {
            [(place, _)] => Ok(place.clone()),
            [] => bail!(
                "{}: #/paths: has no payments operation; `GET {PATH}` or the operationId `{OPERATION_ID}` is expected",
                document.name()
            ),
            [(one, _), (two, _), ..] => bail!(
                "{}: #/paths: has two payments operations, `{} {}` and `{} {}`; one is expected",
                document.name(),
                one.method.to_uppercase(),
                one.path,
                two.method.to_uppercase(),
                two.path
            ),
        }
    }

    /// The path item that the operation stands in.
    pub fn item<'a>(&self, document: &'a Document) -> &'a Value {
        document.resolve(&document.root()["paths"][&self.path])
    }

    /// The operation itself.
    pub fn operation<'a>(&self, document: &'a Document) -> &'a Value {
        &self.item(document)[self.method]
    }
}

fn all(document: &Document) -> Result<Vec<(Place, &Value)>> {
    let paths = document.root()["paths"].as_object();
    let paths = paths.with_context(|| {
        let name = document.name();
        format!("{name}: #/paths: is missing or not a mapping; an OpenAPI document has one")
    })?;
    let mut operations = Vec::new();
    for (path, item) in paths {
        let item = document.resolve(item);
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let path = path.clone();
                operations.push((Place { path, method }, operation));
            }
        }
    }
    Ok(operations)
}

/// Cuts the payments part out of a whole document, or out of one that is
/// already only that part.
///
/// # Errors
///
/// No payments operation or two of them, a security scheme that is not
/// defined, or a reference that leads into the part that is cut off.
pub fn slice(document: &Document) -> Result<Slice> {
    let root = document.root();
    let place = Place::find(document)?;
    let operation = place.operation(document);

    let mut item = place.item(document).clone();
    if let Some(item) = item.as_object_mut() {
        item.retain(|key, _| key == place.method || !METHODS.contains(&key.as_str()));
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
        // Where the documentation is read says nothing about the API.
        for tag in tags.iter_mut().filter_map(Value::as_object_mut) {
            tag.remove("externalDocs");
        }
        cut.insert("tags".to_owned(), Value::Array(tags));
    }
    let security = operation.get("security").or_else(|| root.get("security"));
    if operation.get("security").is_none() && security.is_some() {
        cut.insert("security".to_owned(), json!(security));
    }
    cut.insert("paths".to_owned(), json!({ place.path.as_str(): item }));
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
                    "{}: #{place}: is missing, but the operation asks for it",
                    document.name()
                )),
            }
        })
        .collect()
}

/// The components that `start` refers to, directly or not, and those at the
/// pointers in `wanted`.
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
                "{}: `$ref: #{pointer}` leads from the payments operation into another part of the document; only `#/components/…` is followed",
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

/// The pointers that the references in `value` lead to.
fn targets(at: &str, value: &Value) -> Vec<String> {
    references(at, value)
        .filter_map(|(_, target)| target.as_str()?.strip_prefix('#').map(str::to_owned))
        .collect()
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}
