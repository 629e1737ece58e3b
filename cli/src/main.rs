//! The program `figma-payments`. Each subcommand has a module.

mod bulk;
mod check;
mod completions;
mod exit;
mod fleet;
mod man;
mod options;
mod remedy;
mod sandbox;
mod sharing;
mod signals;
mod terminal;
mod wording;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit::Exit;
use terminal::say_error;

/// Ask Figma whether users have paid for your plugin, widget or Community file.
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
    Sandbox(sandbox::Arguments),
    Fleet(fleet::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_and_exit(&error),
    };
    let outcome = match cli.command {
        Command::Check(arguments) => check::run(arguments).await,
        Command::Bulk(arguments) => bulk::run(arguments).await,
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
        Command::Fleet(arguments) => fleet::run(arguments).await,
        Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
    };
    outcome
        .unwrap_or_else(|failure| {
            say_error(&failure.message);
            failure.exit
        })
        .into()
}

/// Prints what clap reports (a usage error, the help or the version), and gives the exit
/// code. Standard error may be closed; help that cannot be written is no success.
///
/// With `check`, exit code 0 means access, with `bulk`, that all users have an answer, and with
/// `fleet`, that something is forgotten. A script may pass `--help` on to one of them by
/// mistake, and must not take that for an answer. So their help ends with 2. `help check` is
/// asked for on purpose, and ends with 0.
fn print_and_exit(error: &clap::Error) -> ExitCode {
    let printed = error.print().and_then(|()| io::stdout().flush());
    let command = std::env::args_os().nth(1);
    let zero_is_an_answer = command
        .is_some_and(|command| command == "check" || command == "bulk" || command == "fleet");
    let exit = match printed {
        _ if zero_is_an_answer || error.use_stderr() => Exit::Usage,
        Ok(()) => Exit::Success,
        Err(_) => Exit::CouldNotTell,
    };
    exit.into()
}
