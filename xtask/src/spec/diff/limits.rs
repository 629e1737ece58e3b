//! Compares the keywords that limit a single value: lists of values, formats, patterns,
//! bounds and flags.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::comparison::Comparison;
use super::normalized::{BOUNDS, NormalizedSchema, order};
use super::schema_place::SchemaPlace;
use super::words;

impl<'a> Comparison<'a> {
    pub(super) fn values(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) {
        match (&old.values, &new.values) {
            (None, None) => {}
            (Some(old), None) => {
                self.found(at, "became-not-enum", json!(words::values(old)), Value::Null);
            }
            (None, Some(new)) => {
                self.found(at, "became-enum", Value::Null, json!(words::values(new)));
            }
            (Some(old), Some(new)) => {
                for value in old.iter().filter(|value| !new.contains(value)) {
                    self.found(at, "enum-value-removed", (*value).clone(), Value::Null);
                }
                for value in new.iter().filter(|value| !old.contains(value)) {
                    self.found(at, "enum-value-added", Value::Null, (*value).clone());
                }
            }
        }
    }

    pub(super) fn text_keyword(
        &mut self,
        at: &SchemaPlace,
        keyword: &str,
        old: &BTreeSet<&str>,
        new: &BTreeSet<&str>,
    ) {
        if old == new {
            return;
        }
        let joined = |texts: &BTreeSet<&str>| match texts.is_empty() {
            true => Value::Null,
            false => json!(texts.iter().copied().collect::<Vec<_>>().join(" and ")),
        };
        let step = match (old.is_subset(new), new.is_subset(old)) {
            (true, _) => "added",
            (_, true) => "removed",
            _ => "changed",
        };
        self.found(at, &format!("{keyword}-{step}"), joined(old), joined(new));
    }

    pub(super) fn bounds(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) {
        for (key, stricter) in BOUNDS {
            let (before, after) = (old.bounds.get(key), new.bounds.get(key));
            let suffix = match (before, after) {
                (None, None) => continue,
                (None, Some(_)) => "bound-tightened",
                (Some(_), None) => "bound-relaxed",
                (Some(before), Some(after)) => match order(after, before) {
                    Ordering::Equal => continue,
                    order if order == stricter => "bound-tightened",
                    _ => "bound-relaxed",
                },
            };
            let words = |bound: Option<&&Value>| match bound {
                Some(bound) => json!(format!("{key} {bound}")),
                None => json!(format!("no {key}")),
            };
            self.found(at, suffix, words(before), words(after));
        }
    }

    pub(super) fn flags(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) {
        for (flag, on, off) in [
            ("deprecated", "deprecated", "reactivated"),
            ("readOnly", "read-only-changed", "read-only-changed"),
            ("writeOnly", "write-only-changed", "write-only-changed"),
            ("uniqueItems", "bound-tightened", "bound-relaxed"),
        ] {
            let (before, after) = (old.flags.contains(flag), new.flags.contains(flag));
            if before != after {
                let suffix = if after { on } else { off };
                self.found(at, suffix, json!(before), json!(after));
            }
        }
    }
}
