//! Naming: a schema gets the same name however a document writes it.

mod common;

use common::OFFICIAL_STYLE;
use figma_payments_openapi::{Document, Error, correct, lower, name};
use serde_json::{Value, json};

const INFORMATION: &str = "/components/schemas/PaymentInformation/properties";

fn root() -> Value {
    Document::parse("test.yml", OFFICIAL_STYLE).unwrap().root().clone()
}

fn lowered(root: Value) -> Result<Value, Error> {
    let named = name(&Document::from_value("test.yml", root)?)?;
    let lowered = lower(&correct(&named)?.document)?;
    Ok(serde_json::to_value(lowered).unwrap())
}

/// Moves the schema at `place` into the components, under another name.
fn extract(root: &mut Value, place: &str, other: &str) {
    let schema = root.pointer_mut(place).unwrap_or_else(|| panic!("{place}"));
    let target = json!({ "$ref": format!("#/components/schemas/{other}") });
    let schema = std::mem::replace(schema, target);
    root["components"]["schemas"][other] = schema;
}

#[test]
fn a_schema_that_was_extracted_under_another_name_gets_its_own() {
    let body = "/components/responses/GetPaymentsResponse/content/application~1json/schema";
    let places = [
        body.to_owned(),
        format!("{INFORMATION}/resource_type"),
        format!("{INFORMATION}/date_of_purchase"),
    ];
    for (index, place) in places.iter().enumerate() {
        let mut changed = root();
        extract(&mut changed, place, &format!("Other{index}"));
        assert_eq!(lowered(changed).unwrap(), lowered(root()).unwrap(), "{place}");
    }
}

#[test]
fn a_schema_that_was_renamed_gets_its_own_name_back() {
    let renamed = OFFICIAL_STYLE.replace("PaymentInformation", "Purchase");
    let renamed = Document::parse("test.yml", &renamed).unwrap();
    assert_eq!(lowered(renamed.root().clone()).unwrap(), lowered(root()).unwrap());
}

#[test]
fn errors_that_share_a_schema_leave_it_its_name() {
    let mut changed = root();
    let shared = json!({ "$ref": "#/components/schemas/ErrorResponsePayloadWithErrorBoolean" });
    let responses = changed.pointer_mut("/components/responses").unwrap().as_object_mut().unwrap();
    for (_, response) in responses.iter_mut().filter(|(name, _)| *name != "GetPaymentsResponse") {
        response["content"]["application/json"]["schema"] = shared.clone();
    }
    assert_eq!(lowered(changed).unwrap(), lowered(root()).unwrap());
}

#[test]
fn a_name_that_is_taken_is_an_error() {
    let mut changed = root();
    extract(&mut changed, &format!("{INFORMATION}/resource_type"), "Kind");
    changed["components"]["schemas"]["ResourceType"] = json!({ "type": "string" });
    let error = lowered(changed).unwrap_err().to_string();
    assert!(error.contains("has to be named `ResourceType`"), "{error}");
}
