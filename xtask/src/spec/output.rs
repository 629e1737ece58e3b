//! What the commands print, and their exit codes.

/// What a command prints, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// For standard output: the report.
    pub report: String,
    /// For standard error: what was done. May be empty.
    pub note: String,
    /// The exit code.
    pub exit: Exit,
}

/// The exit codes, as `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The command did what it was asked for, or nothing had to be done.
    Success = 0,
    /// The `--fail-on` threshold was reached.
    Threshold = 1,
    /// `--check` found that the reviewed version is stale.
    Stale = 4,
    /// The command could not run.
    Failed = 100,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
