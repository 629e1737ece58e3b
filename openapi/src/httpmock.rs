//! Generating: typed helpers for mocking the API with the crate `httpmock`, from
//! the same document as the bindings.

use openapiv3::OpenAPI;
use progenitor::Generator;

use crate::bindings;

/// Where the bindings live, for those who use them.
const BINDINGS: &str = "figma_payments::api";

/// Generates an extension of `httpmock::MockServer`, formatted.
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
