//! Which corrections apply to which document, and what they change.

mod common;

use common::{HANDED_OVER, OFFICIAL_STYLE, bundled, corrected, edited};
use figma_payments_openapi::{CORRECTIONS, Outcome, attempt, correct, name, operation};
use serde_json::json;

#[test]
fn the_corrections_of_the_bundled_document_are_pinned() {
    assert_eq!(
        corrected(&bundled()).outcomes(),
        include_str!("corrections.lock.txt"),
        "if a correction was changed on purpose: `cargo xtask corrections > openapi/tests/corrections.lock.txt`"
    );
}

#[test]
fn the_official_style_needs_fewer() {
    let report = corrected(OFFICIAL_STYLE).outcomes();
    for (id, outcome) in [
        ("ids-as-text", "no longer needed"),
        ("x-figma-token", "no longer needed"),
        ("payment-status-shapes", "applied"),
        ("payment-status-absent", "applied"),
        ("status-as-integer", "applied"),
        ("error-status-example", "no longer needed"),
        ("status-400", "applied"),
    ] {
        assert!(report.contains(&format!("{id} {outcome}\n")), "{report}");
    }
}

#[test]
fn a_corrected_document_needs_no_correction() {
    let once = corrected(HANDED_OVER);
    let twice = correct(&name(&once.document).unwrap()).unwrap();
    for (correction, outcome) in &twice.report {
        assert_eq!(*outcome, Outcome::NoLongerNeeded, "{}", correction.id);
    }
    assert_eq!(once.document, twice.document);
}

#[test]
fn every_correction_says_why_and_who_says_so() {
    for correction in CORRECTIONS {
        assert!(!correction.reason.is_empty(), "{}", correction.id);
        assert!(!correction.evidence.is_empty(), "{}", correction.id);
        let same = CORRECTIONS.iter().filter(|other| other.id == correction.id);
        assert_eq!(same.count(), 1, "{}", correction.id);
    }
}

#[test]
fn ids_are_text_and_so_are_their_examples() {
    let document = corrected(HANDED_OVER).document;
    let parameters = document.root()["components"]["parameters"].as_object().unwrap();
    assert_eq!(parameters.len(), 5);
    for (name, parameter) in parameters {
        assert_eq!(parameter["schema"], json!({ "type": "string" }), "{name}");
        assert!(parameter["example"].is_string(), "{name}");
    }
    assert_eq!(parameters["UserIdQuery"]["example"], "1234567890");
}

#[test]
fn the_token_goes_into_its_header() {
    let document = corrected(HANDED_OVER).document;
    let scheme = &document.root()["components"]["securitySchemes"]["PersonalAccessToken"];
    assert_eq!(scheme["type"], "apiKey");
    assert_eq!(scheme["in"], "header");
    assert_eq!(scheme["name"], "X-Figma-Token");
}

#[test]
fn every_documented_status_has_a_readable_error() {
    let document = corrected(HANDED_OVER).document;
    let responses = &document.root().pointer(operation::POINTER).unwrap()["responses"];
    for status in ["400", "401", "403", "404", "429", "500"] {
        let response = document.resolve(&responses[status]);
        assert!(response["description"].is_string(), "{status}");
        assert!(response["content"]["application/json"]["schema"].is_object(), "{status}");
    }
    let status =
        document.root().pointer("/components/schemas/ErrorResponsePayload/properties/status");
    assert_eq!(status.unwrap()["example"], 400);
    assert_eq!(status.unwrap()["type"], "integer");
}

#[test]
fn a_correction_that_does_not_find_its_place_is_an_error() {
    for (from, to, expected) in [
        (
            "      type: http\n",
            "      type: oauth2\n",
            "`x-figma-token` could not be applied: is neither `http` nor `apiKey`",
        ),
        (
            "name: plugin_id",
            "name: gadget_id",
            "`ids-as-text` could not be applied: has no query parameter `plugin_id`",
        ),
        (
            "    PersonalAccessToken:\n      type: http",
            "    Other:\n      type: http",
            "`x-figma-token` could not be applied: is missing",
        ),
        (
            "        payment_status:\n",
            "        standing:\n",
            "`payment-status-absent` could not be applied: is missing",
        ),
    ] {
        let error = name(&edited(from, to)).and_then(|named| correct(&named)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn an_attempt_lists_every_correction_and_not_only_the_first_that_fails() {
    let document = edited("name: plugin_id", "name: gadget_id");
    let outcomes = attempt(&name(&document).unwrap());
    assert_eq!(outcomes.len(), CORRECTIONS.len());
    let failed: Vec<_> =
        outcomes.iter().filter(|(_, outcome)| outcome.is_err()).map(|(it, _)| it.id).collect();
    assert_eq!(failed, ["ids-as-text"]);
}
