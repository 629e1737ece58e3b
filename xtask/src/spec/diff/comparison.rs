//! A comparison in progress: the two documents and the changes found so far.

use figma_payments_openapi::Document;
use serde_json::Value;

use super::checks::{self, Check};
use super::pair::Pair;
use super::report::Change;
use super::schema_place::SchemaPlace;
use super::words;
use crate::spec::escape::escaped;

/// The two documents and the changes found so far. Each file that compares a part has
/// methods of it.
pub(super) struct Comparison<'a> {
    pub(super) old: &'a Document,
    pub(super) new: &'a Document,
    pub(super) changes: Vec<Change>,
    /// The pairs of schemas that are being compared, by their addresses.
    pub(super) open: Vec<(Vec<*const Value>, Vec<*const Value>)>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(old: &'a Document, new: &'a Document) -> Self {
        Comparison { old, new, changes: Vec::new(), open: Vec::new() }
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Adds a change outside of schemas. `id` is the id of its check.
    pub(super) fn note(&mut self, id: &str, place: impl Into<String>, old: Value, new: Value) {
        self.push(id.to_owned(), &checks::plain(id), place.into(), old, new);
    }

    /// Adds a change inside a schema. `suffix` is the id of its check without the subject.
    pub(super) fn found(&mut self, at: &SchemaPlace, suffix: &str, old: Value, new: Value) {
        let (id, check) = at.subject.check(suffix);
        self.push(id, &check, at.in_words(), old, new);
    }

    fn push(&mut self, id: String, check: &Check, place: String, old: Value, new: Value) {
        let message = check
            .message
            .replace("{old}", &words::value(&old))
            .replace("{new}", &words::value(&new));
        self.changes.push(Change {
            id,
            wire: check.wire,
            api: check.api,
            message: escaped(&format!("{place}: {message}")),
            place,
            old,
            new,
        });
    }

    /// The values, or the targets where they are `$ref`s.
    pub(super) fn resolve(&self, pair: Pair<'a>) -> Pair<'a> {
        Pair {
            old: pair.old.map(|value| self.old.resolve(value)),
            new: pair.new.map(|value| self.new.resolve(value)),
        }
    }

    /// Adds an unknown change for every key that differs and is not one of `known`, the
    /// keys that are compared elsewhere.
    pub(super) fn unknown_keys(&mut self, place: &str, pair: Pair<'a>, known: &[&str]) {
        let keys =
            |value: Option<&'a Value>| value.and_then(Value::as_object).into_iter().flatten();
        let both = keys(pair.old).chain(keys(pair.new));
        let mut all: Vec<&str> = both.map(|(key, _)| key.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        for key in all {
            if known.contains(&key) || key.starts_with("x-") {
                continue;
            }
            let member = pair.get(key);
            let same = match (member.old, member.new) {
                (Some(old), Some(new)) => self.same(old, new),
                _ => false,
            };
            if !same {
                let at = format!("{place}, key `{key}`");
                let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
                self.note("unknown", at, value(member.old), value(member.new));
            }
        }
    }

    /// Whether two values are equal after their references are resolved. The comparison
    /// is limited, because resolved values can be endless; if it reaches the limit, the
    /// values count as different.
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
