//! The result of a comparison.

use std::fmt;

use serde_json::{Value, json};

/// Whether a change breaks something: on the wire, or in the Rust API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing breaks.
    Compatible,
    /// Something can break.
    Breaking,
}

/// The verdict on all changes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is no change.
    None,
    /// There are changes, but none breaks anything.
    Compatible,
    /// At least one change breaks something on at least one axis.
    Breaking,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The id of its check, like `request-parameter-removed`. It does not change between
    /// versions of this tool.
    pub id: String,
    /// Whether a released binary breaks.
    pub wire: Level,
    /// Whether the Rust API breaks.
    pub api: Level,
    /// Where the change is.
    pub place: String,
    /// The old value; null if there was none.
    pub old: Value,
    /// The new value; null if there is none.
    pub new: Value,
    /// The place and the change, in one line.
    pub message: String,
}

/// The outcome of a correction on the new document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionState {
    /// The correction's id.
    pub id: &'static str,
    /// `applied`, `no longer needed`, or why it could not be applied.
    pub outcome: Result<String, String>,
}

/// Everything that is known about the step from one document to another.
#[derive(Debug, Clone)]
pub struct Report {
    /// The name and version of the old document.
    pub old: String,
    /// The name and version of the new document.
    pub new: String,
    /// The changes of the documents as published.
    pub changes: Vec<Change>,
    /// The changes that are left after the corrections, or why a document could not be
    /// corrected.
    pub effect: Result<Vec<Change>, String>,
    /// The outcomes of the corrections on the new document.
    pub corrections: Vec<CorrectionState>,
}

impl Change {
    /// Whether it breaks the wire format or the Rust API.
    pub fn is_breaking(&self) -> bool {
        self.wire.max(self.api) == Level::Breaking
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "wire": self.wire.to_string(),
            "api": self.api.to_string(),
            "where": self.place,
            "old": self.old,
            "new": self.new,
            "message": self.message,
        })
    }
}

impl Verdict {
    /// The verdict on a list of changes.
    pub fn of(changes: &[Change]) -> Self {
        match (changes.is_empty(), changes.iter().any(Change::is_breaking)) {
            (true, _) => Verdict::None,
            (_, true) => Verdict::Breaking,
            (_, false) => Verdict::Compatible,
        }
    }
}

impl Report {
    /// The verdict on the documents as published.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.changes)
    }

    /// The verdict on the changes that are left after the corrections. A document that
    /// cannot be corrected cannot be built, so it breaks.
    pub fn effect(&self) -> Verdict {
        match &self.effect {
            Ok(changes) => Verdict::of(changes),
            Err(_) => Verdict::Breaking,
        }
    }

    /// How many changes break something, and how many do not.
    pub fn counts(&self) -> (usize, usize) {
        let breaking = self.changes.iter().filter(|it| it.is_breaking()).count();
        (breaking, self.changes.len() - breaking)
    }

    /// The report as JSON.
    pub fn to_json(&self) -> Value {
        let (breaking, compatible) = self.counts();
        let list = |changes: &[Change]| changes.iter().map(Change::to_json).collect::<Value>();
        let corrections = self.corrections.iter().map(|it| match &it.outcome {
            Ok(outcome) => json!({ "id": it.id, "outcome": outcome }),
            Err(error) => json!({ "id": it.id, "outcome": "could not be applied", "error": error }),
        });
        json!({
            "summary": { "breaking": breaking, "compatible": compatible },
            "verdict": self.verdict().to_string(),
            "effect": self.effect().to_string(),
            "old": self.old,
            "new": self.new,
            "changes": list(&self.changes),
            "left": self.effect.as_deref().map_or(Value::Null, list),
            "corrections": corrections.collect::<Value>(),
            "error": self.effect.as_ref().err(),
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Compatible => "compatible",
            Level::Breaking => "breaking",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::None => "none",
            Verdict::Compatible => "compatible",
            Verdict::Breaking => "breaking",
        })
    }
}
