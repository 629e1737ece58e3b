//! Lowering: what has the same meaning in OpenAPI 3.0 is converted, and what progenitor
//! or openapiv3 would ignore or change without an error is refused.

mod common;

use common::{OFFICIAL_STYLE, edited};
use figma_payments_openapi::operation::{METHOD_KEY, PATH, POINTER};
use figma_payments_openapi::{Document, correct, lower, name};
use serde_json::{Value, json};

/// The corrected official-style document with `value` put at `place`.
fn with(place: &str, value: Value) -> Document {
    let document = Document::parse("test.yml", OFFICIAL_STYLE).unwrap();
    let corrected = correct(&name(&document).unwrap()).unwrap();
    let mut root = corrected.document.root().clone();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = root.pointer_mut(parent).unwrap_or_else(|| panic!("{place}"));
    match parent {
        Value::Object(map) => map.insert(key.replace("~1", "/"), value),
        other => panic!("{place} is in {other}"),
    };
    Document::from_value("test.yml", root).unwrap()
}

const PROPERTIES: &str = "/components/schemas/PaymentInformation/properties";

/// How a schema of a property comes out, as JSON of OpenAPI 3.0.
fn lowered(schema: Value) -> Value {
    let lowered = lower(&with(&format!("{PROPERTIES}/probe"), schema)).unwrap();
    let lowered = serde_json::to_value(lowered).unwrap();
    lowered.pointer(&format!("{PROPERTIES}/probe")).unwrap().clone()
}

fn refusal(place: &str, value: Value) -> String {
    lower(&with(place, value)).unwrap_err().to_string()
}

#[test]
fn only_the_operation_and_what_it_reaches_is_left() {
    let document = edited("x-microcks-operation", "x-other");
    let lowered = lower(&correct(&name(&document).unwrap()).unwrap().document).unwrap();
    let lowered = serde_json::to_value(lowered).unwrap();
    assert_eq!(lowered["openapi"], "3.0.3");
    let operation = &lowered["paths"][PATH][METHOD_KEY];
    assert_eq!(operation["parameters"].as_array().unwrap().len(), 5);
    let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200"]);
    let schemas = lowered["components"]["schemas"].as_object().unwrap();
    assert_eq!(
        schemas.keys().collect::<Vec<_>>(),
        [
            "DateOfPurchase",
            "ErrorResponsePayload",
            "GetPaymentsResponseBody",
            "PaymentInformation",
            "PaymentStatus",
            "ResourceType",
            "StatusNumber",
        ]
    );
    let text = lowered.to_string();
    for extension in ["x-other", "\"number\"", "date-time"] {
        assert!(!text.contains(extension), "{extension}");
    }
}

#[test]
fn what_has_the_same_meaning_is_converted() {
    let reference = json!({ "$ref": "#/components/schemas/PaymentStatus" });
    for (schema, expected) in [
        (json!({ "type": ["string"] }), json!({ "type": "string" })),
        (json!({ "type": ["string", "null"] }), json!({ "type": "string", "nullable": true })),
        (json!({ "type": ["null", "integer"] }), json!({ "type": "integer", "nullable": true })),
        (json!({ "const": "A" }), json!({ "type": "string", "enum": ["A"] })),
        (json!({ "enum": ["A", "B"] }), json!({ "type": "string", "enum": ["A", "B"] })),
        (
            json!({ "type": ["string", "null"], "enum": ["A", null] }),
            json!({ "type": "string", "enum": ["A"], "nullable": true }),
        ),
        (
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
            json!({ "allOf": [{ "type": "string" }], "nullable": true }),
        ),
        (
            json!({ "oneOf": [reference, { "type": "null" }] }),
            json!({ "allOf": [reference], "nullable": true }),
        ),
        (
            json!({ "$ref": "#/components/schemas/PaymentStatus", "description": "d" }),
            reference.clone(),
        ),
        (
            json!({ "$ref": "#/components/schemas/PaymentStatus", "default": "PAID" }),
            json!({ "allOf": [reference], "default": "PAID" }),
        ),
        (
            json!({ "type": "string", "title": "T", "examples": ["e"], "x-rust-type": { "crate": "c" } }),
            json!({ "type": "string" }),
        ),
        (
            json!({ "type": "array", "items": { "const": "A" } }),
            json!({ "type": "array", "items": { "type": "string", "enum": ["A"] } }),
        ),
        (
            json!({ "type": "object", "additionalProperties": { "type": ["string", "null"] } }),
            json!({ "type": "object", "additionalProperties": { "type": "string", "nullable": true } }),
        ),
        (json!(true), json!({})),
    ] {
        assert_eq!(lowered(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn schemas_that_would_be_changed_are_refused() {
    for (schema, expected) in [
        (
            json!({ "type": "number" }),
            "#/components/schemas/PaymentInformation/properties/probe/type: is `number`",
        ),
        (json!({ "type": "null" }), "/type: has to be one type"),
        (json!({ "type": ["string", "integer"] }), "/type: has to be one type"),
        (json!({ "type": [] }), "/type: has to be one type"),
        (json!({ "type": 1 }), "/type: is 1"),
        (json!({ "type": "text" }), "/type: is `text`"),
        (
            json!({ "type": "array", "prefixItems": [{ "type": "string" }] }),
            "/prefixItems: is a key of a schema",
        ),
        (json!({ "type": "array" }), "is an array without `items`"),
        (json!({ "const": 1, "type": "integer" }), "/const: has values that are not text"),
        (json!({ "const": true, "type": "boolean" }), "/const: has values that are not text"),
        (json!({ "enum": [1, 2] }), "/enum: has values that are not text"),
        (json!({ "enum": ["A", null], "type": "string" }), "/enum: has values that are not text"),
        (json!({ "enum": "A" }), "/enum: is not a list"),
        (json!({ "enum": ["A"], "const": "A" }), "has both `enum` and `const`"),
        (json!({ "type": "string", "pattern": "^a$" }), "/pattern: "),
        (json!({ "type": "string", "minLength": 1 }), "/minLength: "),
        (json!({ "type": "integer", "minimum": 1 }), "/minimum: "),
        (json!({ "type": "integer", "exclusiveMinimum": 1 }), "/exclusiveMinimum: "),
        (json!({ "type": "string", "format": "uuid" }), "/format: "),
        (json!({ "type": "integer", "format": "uint8" }), "/format: "),
        (json!({ "type": "string", "contentMediaType": "image/png" }), "/contentMediaType: "),
        (json!({ "not": { "type": "string" } }), "/not: "),
        (json!({ "if": {}, "then": { "type": "string" } }), "/then: "),
        (json!({ "type": "object", "patternProperties": { "a": {} } }), "/patternProperties: "),
        (json!({ "type": "object", "unevaluatedProperties": false }), "/unevaluatedProperties: "),
        (json!({ "type": "object", "dependentRequired": { "a": ["b"] } }), "/dependentRequired: "),
        (json!({ "type": "object", "propertyNames": { "pattern": "a" } }), "/propertyNames: "),
        (
            json!({ "type": "object", "additionalProperties": false }),
            "/additionalProperties: forbids unknown fields",
        ),
        (json!({ "$defs": { "A": { "type": "string" } } }), "/$defs: "),
        (json!({ "$dynamicRef": "#a" }), "/$dynamicRef: "),
        (json!({ "type": "string", "nullable": true }), "/nullable: has no meaning in OpenAPI 3.1"),
        (json!({ "oneOf": [{ "type": "null" }] }), "/oneOf: has no alternative"),
        (json!({ "anyOf": {} , "x": 1 }), "/x: is a key of a schema"),
        (json!({ "discriminator": { "propertyName": "a" } }), "/discriminator: "),
        (json!({ "items": { "type": "number" }, "type": "array" }), "/items/type: is `number`"),
        (json!(false), "is not a mapping"),
        (json!("string"), "is not a mapping"),
    ] {
        let refusal = refusal(&format!("{PROPERTIES}/probe"), schema.clone());
        assert!(refusal.contains(expected), "{schema}: {refusal}");
        assert!(refusal.starts_with("test.yml: #/components/schemas/"), "{refusal}");
    }
}

#[test]
fn other_parts_that_cannot_be_expressed_are_refused_too() {
    for (place, value, expected) in [
        ("/openapi", json!("3.2.0"), "#/openapi: is `3.2.0`"),
        ("/openapi", json!("2.0"), "#/openapi: is `2.0`"),
        (
            "/webhooks",
            json!({ "paid": { "post": {} } }),
            "#/webhooks: is a key of an OpenAPI document",
        ),
        ("/jsonSchemaDialect", json!("https://example.com"), "#/jsonSchemaDialect: "),
        ("/components/pathItems", json!({ "a": {} }), "#/components/pathItems: "),
        (
            "/paths/~1v1~1me",
            json!({ "get": {} }),
            "#/paths/~1v1~1me: is a path that the bindings do not cover",
        ),
        ("/paths/~1v1~1payments/post", json!({ "a": 1 }), "#/paths/~1v1~1payments/post: "),
        ("/paths/~1v1~1payments/parameters", json!([1]), "#/paths/~1v1~1payments/parameters: "),
        (&format!("{POINTER}/operationId"), json!("payments"), "has to be `getPayments`"),
        (&format!("{POINTER}/requestBody"), json!({ "content": {} }), "/requestBody: "),
        (&format!("{POINTER}/callbacks"), json!({ "a": {} }), "/callbacks: "),
        (&format!("{POINTER}/servers"), json!([{ "url": "https://example.com" }]), "/servers: "),
        (
            &format!("{POINTER}/security"),
            json!([{ "OAuth2": [] }]),
            "/security: has to be exactly PersonalAccessToken",
        ),
        (
            &format!("{POINTER}/security"),
            json!([]),
            "/security: has to be exactly PersonalAccessToken",
        ),
        (
            "/components/securitySchemes/PersonalAccessToken",
            json!({ "type": "http", "scheme": "bearer" }),
            "has to be an apiKey",
        ),
        (
            "/components/securitySchemes/PersonalAccessToken",
            json!({ "type": "apiKey", "in": "query", "name": "X-Figma-Token" }),
            "has to be an apiKey",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "name": "a", "in": "cookie", "schema": { "type": "string" } }]),
            "/parameters/0/in: is \"cookie\"",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "name": "a", "schema": { "type": "string" } }]),
            "/parameters/0/in: is null",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "name": "a", "in": "query", "style": "pipeDelimited", "schema": { "type": "string" } }]),
            "/style: is \"pipeDelimited\"",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "name": "a", "in": "query", "explode": false, "schema": { "type": "string" } }]),
            "/explode: is false",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "name": "a", "in": "query", "content": { "application/json": {} } }]),
            "/content: ",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "name": "a", "in": "query", "allowReserved": true, "schema": { "type": "string" } }]),
            "/allowReserved: ",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "name": "a", "in": "query" }]),
            "/parameters/0/schema: is missing",
        ),
        (
            &format!("{POINTER}/parameters"),
            json!([{ "$ref": "#/info", "required": true }]),
            "has other keys next to `$ref`",
        ),
        (
            &format!("{POINTER}/responses/204"),
            json!({ "description": "" }),
            "/responses/204: is a response that the client does not expect",
        ),
        (
            &format!("{POINTER}/responses/default"),
            json!({ "description": "" }),
            "/responses/default: ",
        ),
        (
            &format!("{POINTER}/responses"),
            json!({ "401": { "description": "" } }),
            "/responses/200: is missing",
        ),
        ("/components/responses/GetPaymentsResponse/links", json!({ "a": {} }), "/links: "),
        (
            "/components/responses/GetPaymentsResponse/content",
            json!({ "text/csv": {} }),
            "/text~1csv: is a media type",
        ),
        (
            "/components/responses/GetPaymentsResponse/content",
            json!({ "application/json": { "encoding": { "a": {} } } }),
            "/encoding: ",
        ),
    ] {
        let refusal = refusal(place, value);
        assert!(refusal.contains(expected), "{place}: {refusal}");
        assert_eq!(refusal.lines().count(), 1, "{refusal}");
    }
}

#[test]
fn empty_webhooks_are_allowed() {
    lower(&with("/webhooks", json!({}))).unwrap();
}

#[test]
fn a_3_0_document_may_say_nullable() {
    let mut root =
        with(&format!("{PROPERTIES}/probe"), json!({ "type": "string", "nullable": true }))
            .root()
            .clone();
    root["openapi"] = json!("3.0.3");
    let lowered = lower(&Document::from_value("test.yml", root).unwrap()).unwrap();
    let lowered = serde_json::to_value(lowered).unwrap();
    let probe = lowered.pointer(&format!("{PROPERTIES}/probe")).unwrap();
    assert_eq!(*probe, json!({ "type": "string", "nullable": true }));
}
