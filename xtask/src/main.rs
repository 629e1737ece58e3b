//! What maintainers run: `cargo xtask COMMAND`.

use std::process::ExitCode;

use figma_payments_openapi as openapi;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  bindings    print the bindings as the build generates them";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let outcome = match command.as_deref() {
        Some("bindings") => bindings(),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(output) => {
            print!("{output}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(100)
        }
    }
}

fn bindings() -> Result<String, String> {
    let flow = || openapi::lower(&openapi::corrected()?.document);
    openapi::bindings(&flow().map_err(|error| error.to_string())?)
}
