//! Lowering: converts OpenAPI 3.1 to what progenitor reads, which is OpenAPI 3.0 with
//! one operation.
//!
//! progenitor and openapiv3 ignore or change some keywords without an error. So every
//! keyword is either listed in `keywords` or refused. A listed keyword is kept,
//! converted to a form with the same meaning, or left out because it does not change
//! what is sent or received (examples, titles, extensions).

mod input;
mod keywords;
mod operation;
mod schema;

use openapiv3::OpenAPI;

use crate::document::Document;
use crate::error::Result;
use input::Input;

/// Lowers a corrected document.
///
/// Of the responses only the success is kept. progenitor decodes the body of a
/// documented error before it gives the status, so a 429 with an HTML page would lose
/// its status and `Retry-After`. The client reads error responses itself.
///
/// # Errors
///
/// A part of the document that the bindings cannot express with the same meaning. The
/// error has the place and says what is expected.
pub fn lower(document: &Document) -> Result<OpenAPI> {
    let lowered = Input::new(document).lowered()?;
    serde_json::from_value(lowered).map_err(|error| {
        document.error("", format!("cannot be read by openapiv3 after lowering: {error}"))
    })
}
