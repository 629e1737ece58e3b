//! No document panics the reader or the steps after it.
#![no_main]

use figma_payments_openapi::{Document, correct, lower, name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lowered = Document::parse("fuzz.yml", text)
        .and_then(|read| name(&read))
        .and_then(|named| correct(&named))
        .and_then(|corrected| lower(&corrected.document));
    if let Err(error) = lowered {
        assert!(error.to_string().starts_with("fuzz.yml"));
    }
});
