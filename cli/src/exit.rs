//! How the program ends: its exit codes, and what it says on the way out.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit codes. Scripts rely on them, and `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Access; or everything that was asked is answered.
    Success = 0,
    /// Figma says that there is no access.
    NoAccess = 1,
    /// Nothing was asked: an argument, a file or the environment is wrong, or
    /// `check` or `bulk` printed help. clap uses this code too.
    Usage = 2,
    /// Figma could not be asked, or did not answer what was asked.
    CouldNotTell = 3,
    /// Ctrl-C, as shells number it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why the program ends without having done what it should.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl Failure {
    pub fn usage(message: impl Display) -> Self {
        Failure { exit: Exit::Usage, message: message.to_string() }
    }
}

/// Writes to a person. Nobody may be reading any more, and that must not end the
/// program.
pub fn say(text: &str) {
    let lines: Vec<String> = text.lines().map(shown).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// What a server said, in one line and without what a terminal would obey.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
