//! Where the documents are wrong about the real server.
//!
//! A correction is a named piece of code with a reason, the evidence for it,
//! and a check that it still applies: the day Figma mends its document, the
//! correction reports itself as no longer needed and can be removed.

mod answers;
mod request;

use std::fmt;

use serde_json::Value;

use crate::{Document, Result};

/// One deviation of the published document from the real server.
#[derive(Debug, Clone, Copy)]
pub struct Correction {
    /// Short and stable; stands in reports and in the test that pins them.
    pub id: &'static str,
    /// What goes wrong for a client that takes the document at its word.
    pub reason: &'static str,
    /// Who says that the server behaves otherwise.
    pub evidence: &'static [Evidence],
    apply: fn(&mut Draft<'_>) -> Result<Outcome>,
}

/// A source that supports a [`Correction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The publication and its version, or when it was read.
    pub source: &'static str,
    /// What it says, in our words.
    pub says: &'static str,
}

/// What became of a [`Correction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The document was wrong there and is right now.
    Applied,
    /// The document is already right there; the correction can go.
    NoLongerNeeded,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Applied => "applied",
            Outcome::NoLongerNeeded => "no longer needed",
        })
    }
}

/// Every known correction, in the order in which they are applied.
pub const CORRECTIONS: &[Correction] = &[
    request::IDS_AS_TEXT,
    request::X_FIGMA_TOKEN,
    answers::PAYMENT_STATUS_SHAPES,
    answers::PAYMENT_STATUS_ABSENT,
    answers::STATUS_AS_INTEGER,
    answers::ERROR_STATUS_EXAMPLE,
    answers::STATUS_400,
    answers::STATUS_403,
    answers::STATUS_404,
];

/// What became of each of [`CORRECTIONS`], in their order.
pub type Outcomes = Vec<(&'static Correction, Result<Outcome>)>;

/// A document that says what the server is known to do, and how it got there.
#[derive(Debug, Clone)]
pub struct Corrected {
    /// The corrected document.
    pub document: Document,
    /// What became of each of [`CORRECTIONS`], in their order.
    pub report: Vec<(&'static Correction, Outcome)>,
}

/// Applies all [`CORRECTIONS`] to a document whose types have their names
/// (see [`name`](crate::name)).
///
/// # Errors
///
/// A correction that can be neither applied nor found unneeded, because what
/// it speaks of is not where it should be.
pub fn correct(named: &Document) -> Result<Corrected> {
    let (root, outcomes) = apply_all(named);
    let report = outcomes
        .into_iter()
        .map(|(correction, outcome)| Ok((correction, outcome?)))
        .collect::<Result<_>>()?;
    Ok(Corrected { document: Document::from_value(named.name(), root)?, report })
}

/// Tries every one of [`CORRECTIONS`], so that a report can list all that could
/// not be applied and not only the first.
pub fn attempt(named: &Document) -> Outcomes {
    apply_all(named).1
}

fn apply_all(named: &Document) -> (Value, Outcomes) {
    let mut draft = Draft { document: named, root: named.root().clone() };
    let outcomes = CORRECTIONS.iter().map(|correction| {
        let outcome = (correction.apply)(&mut draft).map_err(|error| {
            let place = error.pointer().unwrap_or_default();
            let (id, message) = (correction.id, error.message());
            named.error(place, format!("the correction `{id}` could not be applied: {message}"))
        });
        (correction, outcome)
    });
    let outcomes = outcomes.collect();
    (draft.root, outcomes)
}

/// The document under correction.
struct Draft<'a> {
    document: &'a Document,
    root: Value,
}

impl Draft<'_> {
    /// The value at `pointer`, with references followed on the way there, or
    /// an error that names the place.
    fn at(&mut self, pointer: &str) -> Result<&mut Value> {
        let place = self.find(pointer);
        place
            .and_then(|place| self.root.pointer_mut(&place))
            .ok_or_else(|| self.document.error(pointer, "is missing"))
    }

    /// Like [`at`](Self::at), where absence is an answer.
    fn get(&self, pointer: &str) -> Option<&Value> {
        self.root.pointer(&self.find(pointer)?)
    }

    fn find(&self, pointer: &str) -> Option<String> {
        let mut place = String::new();
        for segment in pointer.split('/').skip(1) {
            place = format!("{place}/{segment}");
            while let Some(target) = crate::document::reference(self.root.pointer(&place)?) {
                place = crate::pointer::of_reference(target)?;
            }
        }
        Some(place)
    }
}

/// `Applied` if anything was changed.
fn outcome(changed: bool) -> Outcome {
    match changed {
        true => Outcome::Applied,
        false => Outcome::NoLongerNeeded,
    }
}
