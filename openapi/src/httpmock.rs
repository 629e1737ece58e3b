//! Generating: typed helpers to mock the API with the crate `httpmock`, from the
//! same lowered document as the bindings.

use openapiv3::OpenAPI;
use progenitor::Generator;

use crate::bindings;

/// The Rust path of the generated bindings, as the helpers refer to it.
const BINDINGS: &str = "figma_payments::api";

/// Generates an extension trait of `httpmock::MockServer`, as formatted Rust.
///
/// # Errors
///
/// One line: what the generator refused.
pub fn httpmock(lowered: &OpenAPI) -> Result<String, String> {
    let tokens = Generator::new(&bindings::settings()?)
        .httpmock(lowered, BINDINGS)
        .map_err(bindings::refused)?;
    let file = syn::parse2(tokens).map_err(bindings::not_rust)?;
    Ok(prettyplease::unparse(&file))
}
