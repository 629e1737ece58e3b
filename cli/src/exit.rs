//! How the program ends: its exit codes, and the error that ends it.

use std::fmt::Display;
use std::process::ExitCode;

/// The exit codes. Scripts rely on them, and `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// `check`: the user has access. `bulk`: every user has an answer. `fleet`: it is done.
    Success = 0,
    /// Figma answered, and the user has no access.
    NoAccess = 1,
    /// Nothing was asked: an argument, a file or the environment is wrong, or `check`, `bulk`
    /// or `fleet` printed its help. clap uses this code too.
    Usage = 2,
    /// Figma could not be asked, or its answer cannot be used. Or Redis cannot be used. Or
    /// what is to be printed cannot be written: then nobody has read the answer.
    CouldNotTell = 3,
    /// `bulk` or `sandbox` was ended by Ctrl-C. Shells use this number for it.
    Interrupted = 130,
    /// `bulk` or `sandbox` was ended by SIGTERM. Shells use this number for it.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The error that ends the program.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// What is wrong, and what to do about it.
    pub message: String,
}

impl Failure {
    pub fn usage(message: impl Display) -> Self {
        Failure { exit: Exit::Usage, message: message.to_string() }
    }
}
