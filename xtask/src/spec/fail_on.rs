//! The option `--fail-on`.

use std::str::FromStr;

use anyhow::{Result, bail};

use super::diff::report::{Report, Verdict};

/// From which verdict on a command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Only if a change breaks something.
    Breaking,
    /// If there is any change.
    Any,
}

impl FailOn {
    /// Whether a report reaches the threshold.
    pub fn is_reached(self, report: &Report) -> bool {
        match self {
            FailOn::Breaking => report.verdict() == Verdict::Breaking,
            FailOn::Any => report.verdict() != Verdict::None,
        }
    }
}

impl FromStr for FailOn {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "breaking" => FailOn::Breaking,
            "any" => FailOn::Any,
            _ => bail!("--fail-on takes breaking or any, not `{text}`"),
        })
    }
}
