//! What a correction is.

use std::fmt;

use super::draft::Draft;
use crate::error::Result;

/// One place where the published document differs from the real server, and the
/// code that changes it.
#[derive(Debug, Clone, Copy)]
pub struct Correction {
    /// A short name that does not change; reports and tests refer to it.
    pub id: &'static str,
    /// What goes wrong for a client that follows the document as it is.
    pub reason: &'static str,
    /// The sources that describe the real server.
    pub evidence: &'static [Evidence],
    pub(super) apply: fn(&mut Draft<'_>) -> Result<Outcome>,
}

/// A source that supports a [`Correction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The publication, with its version or the date when it was read.
    pub source: &'static str,
    /// What the source says, summarized.
    pub says: &'static str,
}

/// What happened when a [`Correction`] was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The document was changed.
    Applied,
    /// The document is already right; the correction can be removed.
    NoLongerNeeded,
}

impl Outcome {
    pub(super) fn if_changed(changed: bool) -> Self {
        match changed {
            true => Outcome::Applied,
            false => Outcome::NoLongerNeeded,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Applied => "applied",
            Outcome::NoLongerNeeded => "no longer needed",
        })
    }
}
