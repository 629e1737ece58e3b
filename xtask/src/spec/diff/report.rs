//! What a comparison found, as a value.

use std::fmt;

use serde_json::{Value, json};

/// Whether one change breaks something on one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing breaks.
    Compatible,
    /// Something can break.
    Breaking,
}

/// What all changes come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is no change.
    None,
    /// There are changes, and none breaks anything.
    Compatible,
    /// At least one change breaks something on at least one axis.
    Breaking,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Stable, in oasdiff's manner.
    pub id: String,
    /// Would a released binary break?
    pub wire: Level,
    /// Would the Rust API break?
    pub api: Level,
    /// The place, in words.
    pub place: String,
    /// What stood there; null where nothing did.
    pub old: Value,
    /// What stands there; null where nothing does.
    pub new: Value,
    /// A sentence.
    pub message: String,
}

/// What became of a correction on the new document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionState {
    /// The correction's id.
    pub id: &'static str,
    /// `applied`, `no longer needed`, or why it could not be applied.
    pub outcome: Result<String, String>,
}

/// All that is known about the step from one document to another.
#[derive(Debug, Clone)]
pub struct Report {
    /// The documents' names and versions.
    pub subject: (String, String),
    /// The changes as published.
    pub changes: Vec<Change>,
    /// What is left of them for this crate after its corrections, or why that
    /// cannot be said.
    pub effect: Result<Vec<Change>, String>,
    /// The corrections on the new document.
    pub corrections: Vec<CorrectionState>,
}

impl Change {
    /// Whether either axis breaks.
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
    /// The verdict over a list of changes.
    pub fn of(changes: &[Change]) -> Self {
        match (changes.is_empty(), changes.iter().any(Change::is_breaking)) {
            (true, _) => Verdict::None,
            (_, true) => Verdict::Breaking,
            (_, false) => Verdict::Compatible,
        }
    }
}

impl Report {
    /// The verdict over the documents as published.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.changes)
    }

    /// The verdict over what is left after the corrections. What cannot be
    /// corrected cannot be built either.
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
            "old": self.subject.0,
            "new": self.subject.1,
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
