//! The OpenAPI document of Figma's Payments API, and how it becomes Rust.
//!
//! The steps, in order; each takes what the one before it gives:
//!
//! 1. [`Document::parse`] *reads*: YAML to a value, without silent losses.
//! 2. [`name`] gives every type its one name.
//! 3. [`correct`] mends what is known to be wrong about the real server.
//! 4. [`lower`] turns OpenAPI 3.1 into what the generator takes, or refuses.
//! 5. [`bindings`](bindings()) generates Rust source (feature `bindings`).
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
mod pointer;
#[cfg(feature = "bindings")]
mod tightened;

#[cfg(feature = "bindings")]
pub use bindings::bindings;
pub use corrections::{
    CORRECTIONS, Corrected, Correction, Evidence, Outcome, Outcomes, attempt, correct,
};
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

/// The bundled document, corrected: what the server is known to do.
///
/// # Errors
///
/// None for the document as released; any of the flow's while it is being
/// replaced.
pub fn corrected() -> Result<Corrected> {
    let read = Document::parse(BUNDLED_NAME, BUNDLED)?;
    correct(&name(&read)?)
}
