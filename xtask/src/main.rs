//! What maintainers run: `cargo xtask COMMAND`.

use std::process::ExitCode;

use xtask::spec::escape::escaped;
use xtask::spec::output::Exit;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  bindings    print the bindings as the build generates them
  httpmock    print the mocking helpers for tests, from the same flow
  contract    let tools that others wrote judge client, sandbox and documents
  bench       what a call costs, against reqwest by hand; writes it to the README
  weight      what a consumer's first build takes; writes it to the README
  deep        what takes too long for the gate: [histories] [fuzz] [sandbox] [bulk] [many]
              [worker] [release] [defects], all by default
  corrected-spec  print the corrected document, or [--way token|plugin|widget|file] a view of it
  public-api  print what users can name; --check compares it with the listing in tests/snapshots
  wasm        check that the crate compiles for wasm32-unknown-unknown
  fuzz        run every fuzz target [--seconds N | --inputs N], 20 s each by default

  update-spec, diff-spec, replay-spec    what Figma changed; --help says more";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", &[][..]),
    };
    if matches!(command, "update-spec" | "diff-spec" | "replay-spec") {
        return spec(command, rest);
    }
    match xtask::tasks::run(command, rest).unwrap_or_else(|| Err(USAGE.to_owned())) {
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

/// Prints the report to standard output, and a note or an error in one line to standard
/// error.
fn spec(command: &str, arguments: &[String]) -> ExitCode {
    match xtask::spec::command::run(command, arguments) {
        Ok(output) => {
            print!("{}", output.report);
            if !output.note.is_empty() {
                eprintln!("{}", escaped(&output.note));
            }
            output.exit.into()
        }
        Err(error) => {
            eprintln!("error: {}", escaped(&format!("{error:#}")));
            Exit::Failed.into()
        }
    }
}
