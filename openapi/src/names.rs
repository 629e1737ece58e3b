//! Naming: gives every schema of the public API a fixed name, because the generator
//! names Rust types after schemas.
//!
//! Figma's own document writes some schemas inline that the bundled document has as
//! components, and uses other names for others. Without this step the two documents
//! would give different Rust types for the same API.

use serde_json::{Value, json};

use crate::document::{Document, reference};
use crate::error::{Error, Result};
use crate::operation::{METHOD, PATH, POINTER};
use crate::pointer;

/// Component schemas that other documents give another name: (their name, ours).
const RENAMED: [(&str, &str); 1] =
    [("ErrorResponsePayloadWithErrorBoolean", "ErrorResponsePayload")];

/// The schemas and their names. A schema comes after the one that contains it.
const NAMED: [(SchemaPlace, &str); 9] = [
    (SchemaPlace::Response("200"), "GetPaymentsResponseBody"),
    (SchemaPlace::Response("401"), "UnauthorizedError"),
    (SchemaPlace::Response("429"), "TooManyRequestsError"),
    (SchemaPlace::Response("500"), "InternalServerError"),
    (SchemaPlace::Property("GetPaymentsResponseBody", "meta"), "PaymentInformation"),
    (SchemaPlace::Property("GetPaymentsResponseBody", "status"), "StatusNumber"),
    (SchemaPlace::Property("PaymentInformation", "payment_status"), "PaymentStatus"),
    (SchemaPlace::Property("PaymentInformation", "resource_type"), "ResourceType"),
    (SchemaPlace::Property("PaymentInformation", "date_of_purchase"), "DateOfPurchase"),
];

/// How to find a schema, whatever its name.
enum SchemaPlace {
    /// The JSON body of the operation's response with this status.
    Response(&'static str),
    /// A property of a component schema.
    Property(&'static str, &'static str),
}

/// Gives the schemas of the payments operation their names.
///
/// # Errors
///
/// Another schema already has one of the names, or the document does not have the
/// payments operation.
pub fn name(document: &Document) -> Result<Document> {
    let mut root = document.root().clone();
    for (theirs, ours) in RENAMED {
        rename(document, &mut root, theirs, ours)?;
    }
    for (place, name) in NAMED {
        let place_is_shared = matches!(place, SchemaPlace::Response(status) if status != "200");
        let Some(place) = place.find(document.name(), &root)? else {
            continue;
        };
        let Some(schema) = root.pointer_mut(&place) else {
            continue;
        };
        if let Some(theirs) = reference(schema).and_then(component) {
            // Several error responses may refer to one schema, which keeps its name.
            if !place_is_shared && theirs != name && !is_ours(&theirs) {
                rename(document, &mut root, &theirs, name)?;
            }
            continue;
        }
        let target = json!({ "$ref": format!("#/components/schemas/{name}") });
        let schema = std::mem::replace(schema, target);
        let schemas = schemas_mut(document, &mut root)?;
        if schemas.contains_key(name) {
            return Err(document.error(
                &place,
                format!("has to be named `{name}`, but another schema has that name"),
            ));
        }
        schemas.insert(name.to_owned(), schema);
    }
    Document::from_value(document.name(), root)
}

/// The name of the component schema that a reference refers to.
fn component(target: &str) -> Option<String> {
    let name = target.strip_prefix("#/components/schemas/")?;
    (!name.contains(['/', '~', '%'])).then(|| name.to_owned())
}

fn is_ours(name: &str) -> bool {
    let named = NAMED.iter().map(|(_, ours)| ours);
    named.chain(RENAMED.iter().map(|(_, ours)| ours)).any(|ours| *ours == name)
}

impl SchemaPlace {
    fn find(&self, document: &str, root: &Value) -> Result<Option<String>> {
        match self {
            SchemaPlace::Property(schema, property) => {
                Ok(Some(format!("/components/schemas/{schema}/properties/{property}")))
            }
            SchemaPlace::Response(status) => {
                let responses = format!("{POINTER}/responses");
                if root.pointer(&responses).is_none() {
                    return Err(Error::at(
                        document,
                        &responses,
                        format!("is missing; the operation `{METHOD} {PATH}` is expected"),
                    ));
                }
                let mut place = format!("{responses}/{status}");
                while let Some(target) = root.pointer(&place).and_then(reference) {
                    let Some(next) = pointer::of_reference(target) else {
                        return Ok(None);
                    };
                    place = next;
                }
                Ok(Some(format!("{place}/content/application~1json/schema")))
            }
        }
    }
}

fn schemas_mut<'a>(
    document: &Document,
    root: &'a mut Value,
) -> Result<&'a mut serde_json::Map<String, Value>> {
    root.pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
        .ok_or_else(|| document.error("/components/schemas", "is missing or not a mapping"))
}

fn rename(document: &Document, root: &mut Value, theirs: &str, ours: &str) -> Result<()> {
    let schemas = schemas_mut(document, root)?;
    if !schemas.contains_key(theirs) {
        return Ok(());
    }
    if schemas.contains_key(ours) {
        return Err(document.error(
            &format!("/components/schemas/{theirs}"),
            format!("has to be named `{ours}`, but another schema has that name"),
        ));
    }
    let entries = std::mem::take(schemas).into_iter();
    *schemas = entries
        .map(|(key, value)| match key == theirs {
            true => (ours.to_owned(), value),
            false => (key, value),
        })
        .collect();
    repoint(
        root,
        &format!("#/components/schemas/{theirs}"),
        &format!("#/components/schemas/{ours}"),
    );
    Ok(())
}

fn repoint(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                if key == "$ref" && child == from {
                    *child = Value::from(to);
                } else {
                    repoint(child, from, to);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| repoint(item, from, to)),
        _ => {}
    }
}
