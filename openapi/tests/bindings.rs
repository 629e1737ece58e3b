//! Generating: both styles of document give the same public types, and a document that
//! cannot be generated from gives an error of one line.
#![cfg(feature = "bindings")]

mod common;

use common::{HANDED_OVER, OFFICIAL_STYLE, corrected, edited};
use figma_payments_openapi::{bindings, correct, lower, name};

fn generated(text: &str) -> String {
    bindings(&lower(&corrected(text).document).unwrap()).unwrap()
}

/// The code without documentation and without the document's version.
fn code(bindings: &str) -> Vec<&str> {
    let mut inside_doc = false;
    bindings
        .lines()
        .filter(|line| {
            let line = line.trim();
            inside_doc |= line.starts_with("/**");
            let skip = inside_doc || line.starts_with("///") || line.starts_with("\"0.");
            inside_doc &= !line.ends_with("*/");
            !skip
        })
        .collect()
}

#[test]
fn both_styles_give_the_same_code() {
    let (ours, theirs) = (generated(HANDED_OVER), generated(OFFICIAL_STYLE));
    assert_ne!(ours, theirs, "the texts and the version differ");
    assert_eq!(code(&ours), code(&theirs));
    assert!(code(&ours).len() > 100);
}

#[test]
fn the_types_written_by_hand_took_the_place_of_generated_ones() {
    let bindings = generated(HANDED_OVER);
    let on_one_line = bindings.split_whitespace().collect::<Vec<_>>().join(" ");
    for field in [
        "pub payment_status: crate::model::payment::PaymentStatus,",
        "pub resource_type: crate::model::resource::ResourceType,",
        "pub date_of_purchase: ::std::option::Option< crate::model::payment::DateOfPurchase, >,",
        "pub status: ::serde_json::Number,",
        "pub user_id: ::std::string::String,",
    ] {
        assert!(on_one_line.contains(field), "{field}");
    }
    for never in ["f64", "f32", "enum ", "chrono", "regress", "uuid"] {
        assert!(!bindings.contains(never), "{never}");
    }
    for id in ["user_id", "plugin_id", "widget_id", "community_file_id"] {
        assert!(bindings.contains(&format!("{id}: Option<&'a str>,")), "{id}");
    }
}

/// Also one whose schema is a component of its own, which describes it.
#[test]
fn every_field_that_the_document_describes_is_documented() {
    let bindings = generated(HANDED_OVER);
    let (types, _) = bindings.split_once("pub mod defaults").unwrap();
    let mut documented = false;
    let mut fields = 0;
    for line in types.lines().map(str::trim) {
        let is_field = line.starts_with("pub ") && line.contains(": ");
        assert!(!is_field || documented, "{line}");
        fields += usize::from(is_field);
        documented = line.starts_with("///") || (documented && line.starts_with("#["));
    }
    assert_eq!(fields, 11);
}

#[test]
fn a_type_that_is_not_there_is_named() {
    let document = edited(
        "        date_of_purchase:\n          type: string\n          format: date-time\n",
        "        bought:\n          type: string\n          format: date-time\n",
    );
    let corrected = correct(&name(&document).unwrap()).unwrap();
    let error = bindings(&lower(&corrected.document).unwrap()).unwrap_err();
    assert!(error.contains("crate::model::payment::DateOfPurchase"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_generator_that_panics_is_an_error() {
    // Not reachable through the lowering: progenitor panics over references
    // that lead nowhere.
    let document = serde_json::from_value(serde_json::json!({
        "openapi": "3.0.3",
        "info": { "title": "t", "version": "1" },
        "paths": { "/a": { "get": {
            "operationId": "a",
            "responses": { "200": { "description": "", "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Nowhere" },
            } } } },
        } } },
    }))
    .unwrap();
    let error = bindings(&document).unwrap_err();
    assert!(error.starts_with("the generator"), "{error}");
}
