//! The generated code is kept as a snapshot, so that a reviewer sees what a
//! change of document or generator does to it.

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
