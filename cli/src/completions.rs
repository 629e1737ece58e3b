//! `figma-payments completions`: what a shell needs to complete the program's options.

use clap::Command;
use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::terminal::write;

/// Print a script that lets a shell complete commands and options.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  figma-payments completions bash > ~/.local/share/bash-completion/completions/figma-payments
  figma-payments completions zsh > ~/.zfunc/_figma-payments
  figma-payments completions fish > ~/.config/fish/completions/figma-payments.fish
  figma-payments completions powershell >> $PROFILE

For zsh, ~/.zfunc has to be in fpath before compinit is called.")]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

pub fn run(arguments: &Arguments, mut program: Command) -> Result<Exit, Failure> {
    let name = program.get_name().to_owned();
    // Not to standard output itself: the generator panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, name, &mut script);
    if arguments.shell == Shell::Bash {
        script = with_one_name(script);
    }
    write(&script)?;
    Ok(Exit::Success)
}

/// Mends the script for Bash, which spells a name with a hyphen in two ways, and so completes
/// nothing after a command (clap issue 6421).
fn with_one_name(script: Vec<u8>) -> Vec<u8> {
    let script = String::from_utf8(script).expect("the generator writes text");
    script.replace("figma__subcmd__payments", "figma__payments").into_bytes()
}
