//! Every command except those of [`spec`](crate::spec), with a file or folder each.

mod alerts;
mod bench;
mod browser;
mod contract;
mod corrected_spec;
mod costs_page;
mod deep;
mod fuzz;
mod public_api;
mod simulate;
mod wasm;
mod weight;

use figma_payments_openapi as openapi;

pub use self::public_api::as_rustdoc;

/// Runs a command and gives the text for standard output, or the error. `None` if there is
/// no such command.
pub fn run(command: &str, arguments: &[String]) -> Option<Result<String, String>> {
    Some(match command {
        "bindings" => generated(openapi::bindings),
        "corrections" => openapi::corrected()
            .map(|corrected| corrected.outcomes())
            .map_err(|error| error.to_string()),
        "httpmock" => generated(openapi::httpmock),
        "contract" => contract::run(),
        "alerts" => alerts::run(),
        "bench" if arguments == ["redis"] => bench::redis::run(),
        "bench" => bench::run(),
        "browser" => browser::run(),
        "weight" => weight::run(),
        "simulate" => simulate::run(),
        "deep" => deep::run(arguments),
        "corrected-spec" => corrected_spec::run(arguments),
        "fuzz" => fuzz::Limit::parse(arguments).and_then(fuzz::run),
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
