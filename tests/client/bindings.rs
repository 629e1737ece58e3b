//! The generated code is kept as a snapshot, so that a reviewer sees what a
//! change of document or generator does to it.

use figma_payments::{PaymentStatus, ResourceType};

const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/bindings.rs"));
const SNAPSHOT: &str = include_str!("../snapshots/bindings.rs");

#[test]
fn the_snapshot_is_what_was_generated() {
    let differs = GENERATED.lines().zip(SNAPSHOT.lines()).position(|(a, b)| a != b);
    assert!(
        GENERATED == SNAPSHOT,
        "the generated bindings differ from tests/snapshots/bindings.rs (first in line {}); \
         if that is meant, `cargo xtask bindings > tests/snapshots/bindings.rs` and review the difference",
        differs.map_or(0, |line| line + 1),
    );
}

#[test]
fn the_hand_written_types_took_and_no_float_stands_in_it() {
    for path in [
        "crate::model::payment::PaymentStatus",
        "crate::model::resource::ResourceType",
        "crate::model::payment::DateOfPurchase",
        "::serde_json::Number",
        "crate::platform::attempt::AttemptContext",
    ] {
        assert!(GENERATED.contains(path), "{path}");
    }
    for float in ["f64", "f32"] {
        assert!(!GENERATED.contains(float), "{float}");
    }
}

#[test]
fn the_default_server_is_the_documents() {
    let document = figma_payments_openapi::corrected().unwrap().document;
    let server = &document.root()["servers"][0]["url"];
    assert_eq!(server, figma_payments::DEFAULT_BASE_URL);
}

#[test]
fn the_known_words_are_those_of_the_corrected_document() {
    let document = figma_payments_openapi::corrected().unwrap().document;
    let schemas = &document.root()["components"]["schemas"];
    for (schema, known) in
        [("PaymentStatus", PaymentStatus::KNOWN), ("ResourceType", ResourceType::KNOWN)]
    {
        let mut documented = words(&schemas[schema]);
        let mut known: Vec<&str> = known.to_vec();
        documented.sort_unstable();
        known.sort_unstable();
        documented.dedup();
        assert_eq!(
            known, documented,
            "{schema}: left is src/model, right the document with the corrections of \
             openapi/src/corrections; a new word has to be in both"
        );
    }
}

/// All values of all `enum`s in a schema.
fn words(schema: &serde_json::Value) -> Vec<&str> {
    let mut words = Vec::new();
    let mut values = vec![schema];
    while let Some(value) = values.pop() {
        words.extend(value["enum"].as_array().into_iter().flatten().filter_map(|it| it.as_str()));
        match value {
            serde_json::Value::Object(fields) => values.extend(fields.values()),
            serde_json::Value::Array(items) => values.extend(items),
            _ => {}
        }
    }
    words
}
