//! Documents that the tests use.
#![allow(dead_code, reason = "not every test needs every helper")]

use figma_payments_openapi::{BUNDLED, Corrected, Document, correct, name};

pub const OFFICIAL_STYLE: &str = include_str!("../fixtures/official-style.yml");

/// The first bundled document. Tests that need its exact text use this copy, so that
/// they stay valid when the bundled document is replaced.
pub const HANDED_OVER: &str = include_str!("../fixtures/handed-over.yml");

pub fn bundled() -> String {
    BUNDLED.to_owned()
}

/// [`HANDED_OVER`] with one text replaced.
pub fn edited(from: &str, to: &str) -> Document {
    assert!(HANDED_OVER.contains(from), "{from:?} is not in the document");
    let text = HANDED_OVER.replacen(from, to, 1);
    Document::parse("handed-over.yml", &text).unwrap_or_else(|error| panic!("{error}"))
}

pub fn corrected(text: &str) -> Corrected {
    let document = Document::parse("test.yml", text).unwrap();
    correct(&name(&document).unwrap()).unwrap_or_else(|error| panic!("{error}"))
}
