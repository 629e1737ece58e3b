//! Two documents and what was found so far.

use anyhow::Result;
use figma_payments_openapi::{self as openapi, Document};
use serde_json::Value;

use super::checks::{self, Check};
use super::report::{Change, CorrectionState, Report};
use super::words;
use crate::spec::slice::{Place, Slice};

/// Compares two slices, as published and after the corrections.
///
/// # Errors
///
/// A document that is malformed where it is compared.
pub fn diff(old: &Slice, new: &Slice) -> Result<Report> {
    let changes = compare(old.document(), new.document())?;
    let (after, corrections) = corrected(new.document());
    let effect = match changes.is_empty() {
        true => Ok(Vec::new()),
        false => match (corrected(old.document()).0, after) {
            (Ok(old), Ok(new)) => Ok(compare(&old, &new)?),
            (Err(error), _) | (_, Err(error)) => Err(error),
        },
    };
    let title = |slice: &Slice| format!("{} ({})", slice.document().name(), slice.version());
    Ok(Report { subject: (title(old), title(new)), changes, effect, corrections })
}

/// The corrected document, and what became of each correction.
fn corrected(published: &Document) -> (Result<Document, String>, Vec<CorrectionState>) {
    let named = match openapi::name(published) {
        Ok(named) => named,
        Err(error) => return (Err(error.to_string()), Vec::new()),
    };
    let outcomes = openapi::attempt(&named).into_iter();
    let states = outcomes.map(|(correction, outcome)| CorrectionState {
        id: correction.id,
        outcome: outcome.map(|outcome| outcome.to_string()).map_err(|error| error.to_string()),
    });
    let states = states.collect();
    let corrected = openapi::correct(&named).map(|corrected| corrected.document);
    (corrected.map_err(|error| error.to_string()), states)
}

/// The changes from one document to the other; each has the one operation.
///
/// # Errors
///
/// A document that is malformed where it is compared.
pub fn compare(old: &Document, new: &Document) -> Result<Vec<Change>> {
    let mut comparison = Comparison { old, new, changes: Vec::new(), open: Vec::new() };
    comparison.documents(&Place::find(old)?, &Place::find(new)?)?;
    Ok(comparison.changes)
}

/// Two documents and what was found so far.
pub(super) struct Comparison<'a> {
    pub(super) old: &'a Document,
    pub(super) new: &'a Document,
    pub(super) changes: Vec<Change>,
    /// The pairs of schemas that are being compared, by their addresses.
    pub(super) open: Vec<(Vec<*const Value>, Vec<*const Value>)>,
}

/// A value of either document: the old one and the new one, if there.
pub(super) type Pair<'a> = (Option<&'a Value>, Option<&'a Value>);

impl<'a> Comparison<'a> {
    /// Notes a change with the verdicts of the table.
    pub(super) fn note(&mut self, id: &str, place: impl Into<String>, old: Value, new: Value) {
        self.push(id.to_owned(), &checks::plain(id), place.into(), old, new);
    }

    pub(super) fn push(
        &mut self,
        id: String,
        check: &Check,
        place: String,
        old: Value,
        new: Value,
    ) {
        let says =
            check.says.replace("{old}", &words::value(&old)).replace("{new}", &words::value(&new));
        self.changes.push(Change {
            id,
            wire: check.wire,
            api: check.api,
            message: format!("{place}: {says}"),
            place,
            old,
            new,
        });
    }

    /// Both sides of a reference or value.
    pub(super) fn resolve(&self, (old, new): Pair<'a>) -> Pair<'a> {
        (old.map(|value| self.old.resolve(value)), new.map(|value| self.new.resolve(value)))
    }

    /// Notes every key that nobody looked at and that differs.
    pub(super) fn unknown_keys(&mut self, place: &str, (old, new): Pair<'a>, known: &[&str]) {
        let keys =
            |value: Option<&'a Value>| value.and_then(Value::as_object).into_iter().flatten();
        let mut all: Vec<&str> = keys(old).chain(keys(new)).map(|(key, _)| key.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        for key in all {
            if known.contains(&key) || key.starts_with("x-") {
                continue;
            }
            let of = |value: Option<&'a Value>| value.and_then(|value| value.get(key));
            let (before, after) = (of(old), of(new));
            let same = match (before, after) {
                (Some(before), Some(after)) => self.same(before, after),
                _ => false,
            };
            if !same {
                let at = format!("{place}, key `{key}`");
                let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
                self.note("unknown", at, value(before), value(after));
            }
        }
    }

    /// Whether two values are the same once their references are followed.
    /// Of values that are too large to say, they are not.
    pub(super) fn same(&self, old: &Value, new: &Value) -> bool {
        let mut budget = 10_000;
        self.equal(old, new, &mut budget)
    }

    fn equal(&self, old: &Value, new: &Value, budget: &mut u32) -> bool {
        let (old, new) = (self.old.resolve(old), self.new.resolve(new));
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            return false;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                old.len() == new.len()
                    && old.iter().all(|(key, value)| {
                        new.get(key).is_some_and(|other| self.equal(value, other, budget))
                    })
            }
            (Value::Array(old), Value::Array(new)) => {
                old.len() == new.len()
                    && old.iter().zip(new).all(|(old, new)| self.equal(old, new, budget))
            }
            (old, new) => old == new,
        }
    }
}
