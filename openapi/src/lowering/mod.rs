//! From OpenAPI 3.1 to what progenitor takes: 3.0, one operation, and nothing
//! that progenitor or openapiv3 would drop or mangle without a word.
//!
//! Every keyword is known here or refused. What is known is kept, converted to
//! a form with the same meaning, or left out because it says nothing about the
//! wire (examples, titles, extensions).

mod keywords;
mod operation;
mod schema;

use openapiv3::OpenAPI;

use crate::{Document, Result};
use operation::Lowering;

/// Lowers a corrected document.
///
/// Only the success answer is kept: progenitor decodes a documented error
/// strictly, so that an HTML page behind a 429 would lose its status and its
/// `Retry-After`. The client reads errors leniently instead.
///
/// # Errors
///
/// Anything that the bindings could not express with the same meaning, with
/// the place and what would be right.
pub fn lower(document: &Document) -> Result<OpenAPI> {
    let lowered = Lowering::new(document).document()?;
    serde_json::from_value(lowered).map_err(|error| {
        document.error("", format!("is refused by openapiv3 after lowering: {error}"))
    })
}
