//! The naming table: every type of the public API has one name, whether the
//! document spells the schema out in place or gives it another name.
//!
//! Figma's own document inlines what the bundled one names, so without this
//! step the two would give different Rust types for the same API.

use serde_json::{Value, json};

use crate::document::reference;
use crate::{Document, Error, Result, pointer};

/// Component schemas that go by another name elsewhere: (theirs, ours).
const RENAMED: [(&str, &str); 1] =
    [("ErrorResponsePayloadWithErrorBoolean", "ErrorResponsePayload")];

/// Schemas that get a name where they are spelled out in place or go by another
/// name, outermost first: (how to get there, the name).
const NAMED: [(Place, &str); 9] = [
    (Place::Answer("200"), "GetPaymentsResponseBody"),
    (Place::Answer("401"), "UnauthorizedError"),
    (Place::Answer("429"), "TooManyRequestsError"),
    (Place::Answer("500"), "InternalServerError"),
    (Place::Property("GetPaymentsResponseBody", "meta"), "PaymentInformation"),
    (Place::Property("GetPaymentsResponseBody", "status"), "StatusNumber"),
    (Place::Property("PaymentInformation", "payment_status"), "PaymentStatus"),
    (Place::Property("PaymentInformation", "resource_type"), "ResourceType"),
    (Place::Property("PaymentInformation", "date_of_purchase"), "DateOfPurchase"),
];

enum Place {
    /// The JSON body of the operation's answer with this status.
    Answer(&'static str),
    /// A property of a component schema.
    Property(&'static str, &'static str),
}

/// Gives the schemas of the payments operation their names.
///
/// # Errors
///
/// A name of the table that is taken by another schema, or a document without
/// the payments operation.
pub fn name(document: &Document) -> Result<Document> {
    let mut root = document.root().clone();
    for (theirs, ours) in RENAMED {
        rename(document, &mut root, theirs, ours)?;
    }
    for (place, name) in NAMED {
        let place_is_shared = matches!(place, Place::Answer(status) if status != "200");
        let Some(place) = place.find(document.name(), &root)? else {
            continue;
        };
        let Some(schema) = root.pointer_mut(&place) else {
            continue;
        };
        if let Some(theirs) = reference(schema).and_then(component) {
            // Error answers may share one schema, which then has its own name.
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
                format!("would be named `{name}`, but another schema has that name"),
            ));
        }
        schemas.insert(name.to_owned(), schema);
    }
    Document::from_value(document.name(), root)
}

/// The name of the component schema that a reference leads to.
fn component(target: &str) -> Option<String> {
    let name = target.strip_prefix("#/components/schemas/")?;
    (!name.contains(['/', '~', '%'])).then(|| name.to_owned())
}

fn is_ours(name: &str) -> bool {
    let named = NAMED.iter().map(|(_, ours)| ours);
    named.chain(RENAMED.iter().map(|(_, ours)| ours)).any(|ours| *ours == name)
}

impl Place {
    fn find(&self, name: &str, root: &Value) -> Result<Option<String>> {
        match self {
            Place::Property(schema, property) => {
                Ok(Some(format!("/components/schemas/{schema}/properties/{property}")))
            }
            Place::Answer(status) => {
                let responses = "/paths/~1v1~1payments/get/responses";
                if root.pointer(responses).is_none() {
                    return Err(Error::at(
                        name,
                        responses,
                        "is missing; the operation `GET /v1/payments` is expected",
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
            format!("would be named `{ours}`, but another schema has that name"),
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
