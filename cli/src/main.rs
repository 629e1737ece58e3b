//! The command-line program; each subcommand has a module of its own.

mod bulk;
mod check;
mod exit;
mod options;
mod remedy;
mod sandbox;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::{Exit, say};

/// Figma's Payments API from the command line.
#[derive(Debug, Parser)]
#[command(name = "figma-payments", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Bulk(bulk::Arguments),
    /// A Figma to test against, for programs in any language.
    Sandbox(sandbox::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(why) => return end(&why),
    };
    let outcome = match cli.command {
        Command::Check(arguments) => check::run(arguments).await,
        Command::Bulk(arguments) => bulk::run(arguments).await,
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
    };
    outcome
        .unwrap_or_else(|failure| {
            say(&format!("error: {}", failure.message));
            failure.exit
        })
        .into()
}

/// Ends with what clap has to say: an error, help, or the version.
///
/// Exit code 0 of `check` means access, and that of `bulk` that all have an
/// answer: a script that passes `--help` on must not read one of these. That of
/// `help check` is the program's own.
fn end(why: &clap::Error) -> ExitCode {
    // Nobody may be reading any more.
    let _ = why.print();
    let command = std::env::args_os().nth(1);
    let answers = command.is_some_and(|command| command == "check" || command == "bulk");
    match answers || why.use_stderr() {
        true => Exit::Usage.into(),
        false => Exit::Success.into(),
    }
}
