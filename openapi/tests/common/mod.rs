//! Documents to try the flow on.
#![allow(dead_code, reason = "not every test needs every helper")]

use figma_payments_openapi::{BUNDLED, BUNDLED_NAME, Corrected, Document, correct, name};

pub const OFFICIAL_STYLE: &str = include_str!("../fixtures/official-style.yml");

pub fn bundled() -> String {
    BUNDLED.to_owned()
}

/// The bundled document with one text replaced.
pub fn edited(from: &str, to: &str) -> Document {
    assert!(BUNDLED.contains(from), "{from:?} is not in the document");
    let text = BUNDLED.replacen(from, to, 1);
    Document::parse(BUNDLED_NAME, &text).unwrap_or_else(|error| panic!("{error}"))
}

pub fn corrected(text: &str) -> Corrected {
    let document = Document::parse("test.yml", text).unwrap();
    correct(&name(&document).unwrap()).unwrap_or_else(|error| panic!("{error}"))
}
