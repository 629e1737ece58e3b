//! The OpenAPI document of Figma's Payments API, and how it becomes Rust.
//!
//! The steps, in order. Each takes the result of the one before it:
//!
//! 1. [`Document::parse`] reads YAML into a value and refuses text that a parser
//!    would change silently, such as a duplicate key.
//! 2. [`name`] renames the schemas, so that every generated type has the same
//!    name in every version of the document.
//! 3. [`correct`] changes the places where the document is known to differ from
//!    the real server.
//! 4. [`lower`] converts OpenAPI 3.1 to the OpenAPI 3.0 that the generator reads,
//!    and refuses what cannot be converted without changing its meaning.
//! 5. [`bindings`](bindings()) generates Rust source (feature `bindings`).
//!
//! [`operation`] holds the one operation that this is done for.
//!
//! This crate is a build dependency of `figma-payments` and follows its needs;
//! it is published only so that `figma-payments` can be built.

#[cfg(feature = "bindings")]
mod bindings;
mod corrections;
mod document;
mod error;
#[cfg(feature = "bindings")]
mod httpmock;
mod lowering;
mod names;
pub mod operation;
mod pointer;

#[cfg(feature = "bindings")]
pub use bindings::bindings;
pub use corrections::correction::{Correction, Evidence, Outcome};
pub use corrections::{CORRECTIONS, Corrected, Outcomes, attempt, correct};
pub use document::{Document, MAX_BYTES, references};
pub use error::{Error, Result};
#[cfg(feature = "bindings")]
pub use httpmock::httpmock;
pub use lowering::lower;
pub use names::name;
pub use openapiv3::OpenAPI;

/// The bundled document, as it was published.
pub const BUNDLED: &str = include_str!("../figma-payments-api-openapi.yml");

/// The file name of the [`BUNDLED`] document.
pub const BUNDLED_NAME: &str = "figma-payments-api-openapi.yml";

/// The bundled document, named and corrected.
///
/// # Errors
///
/// None for the document in a release. While a new document is being tried, any
/// error of reading, naming or correcting it.
pub fn corrected() -> Result<Corrected> {
    let read = Document::parse(BUNDLED_NAME, BUNDLED)?;
    correct(&name(&read)?)
}
