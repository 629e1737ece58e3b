//! The command-line program; each subcommand has a module of its own.

mod bulk;
mod check;
mod ending;
mod options;
mod remedy;
mod sandbox;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use ending::say;

/// Figma's Payments API from the command line.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
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
    let outcome = match Cli::parse().command {
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
