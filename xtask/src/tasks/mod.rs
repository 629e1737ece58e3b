//! Every command but those of [`spec`](crate::spec): one file or folder each.

mod bench;
mod contract;
mod corrected_spec;
mod deep;
mod fuzz;
mod public_api;
mod readme;
mod wasm;
mod weight;

use figma_payments_openapi as openapi;

/// Runs a command; `None` if there is none of that name. Gives what goes to
/// standard output.
pub fn run(command: &str, arguments: &[String]) -> Option<Result<String, String>> {
    Some(match command {
        "bindings" => generated(openapi::bindings),
        "httpmock" => generated(openapi::httpmock),
        "contract" => contract::run(),
        "bench" => bench::run(),
        "weight" => weight::run(),
        "deep" => deep::run(arguments),
        "corrected-spec" => corrected_spec::corrected_spec(arguments),
        "fuzz" => fuzz::Effort::parse(arguments).and_then(fuzz::run),
        "public-api" => public_api::run(arguments),
        "wasm" => wasm::run(),
        _ => return None,
    })
}

fn generated(
    generator: impl Fn(&openapi::OpenAPI) -> Result<String, String>,
) -> Result<String, String> {
    let flow = || openapi::lower(&openapi::corrected()?.document);
    generator(&flow().map_err(|error| error.to_string())?)
}
