//! What maintainers run: `cargo xtask COMMAND`.

use std::process::ExitCode;

use xtask::spec::escape::escaped;
use xtask::spec::output::Exit;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  bindings        print the bindings as the build generates them
  corrections     print what each correction does to the bundled document
  httpmock        print helpers to mock the API with httpmock, for tests
  contract        run the contract tests with Prism, Schemathesis and Redocly
  alerts          check the page of metrics and the alert rules with promtool
  browser         try the sandbox's page and the stage in Chromium; a report and
                  screenshots are written to target/browser
  bench           measure what a call costs, compared with reqwest by hand, and write
                  a table of docs/costs.md; bench redis: what an answer from Redis costs
  weight          measure a consumer's first build, compared with reqwest by hand, and
                  write a table of docs/costs.md
  simulate        simulate how many users one account serves, with one process and with
                  many, and write the tables of docs/fleet.md
  deep            run the drills that take too long for .ci/run: [histories] [fuzz]
                  [sandbox] [bulk] [many] [fleet] [worker] [release] [defects] [mutants]; all
                  by default. `mutants K/N` tries one of N parts, K from 0 to N-1
  corrected-spec  print the corrected document; with --way token|plugin|widget|file only
                  with the parameters of one way to ask
  public-api      print the public API; with --check compare it with the list in
                  tests/snapshots
  wasm            check that the crate compiles for wasm32-unknown-unknown
  fuzz            run every fuzz target for 20 s, or with --seconds N or --inputs N
  update-spec     replace the bundled OpenAPI document by a new version
  diff-spec       compare two versions of the OpenAPI document
  replay-spec     compare all published versions of the OpenAPI document

update-spec, diff-spec and replay-spec have --help.";

fn main() -> ExitCode {
    if let Some(code) = xtask::tasks::as_rustdoc() {
        return code;
    }
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
