//! The command-line program; each subcommand has a module of its own.

mod sandbox;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Figma's Payments API from the command line.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A Figma to test against, for programs in any language.
    Sandbox(sandbox::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
