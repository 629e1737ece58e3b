//! Comparing two schemas, whoever writes the value.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use figma_payments_openapi::Document;
use serde_json::{Value, json};

use super::checks::Subject;
use super::comparison::Comparison;
use super::normalized::Flat;
use super::words;

/// A place inside a body, parameter or header.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) subject: Subject,
    /// What the schema belongs to, in words.
    pub(super) place: String,
    /// The way from there, such as `meta.payment_status`.
    path: String,
}

impl At {
    pub(super) fn new(subject: Subject, place: impl Into<String>) -> Self {
        At { subject, place: place.into(), path: String::new() }
    }

    pub(super) fn inner(&self, step: &str) -> Self {
        let dot = if self.path.is_empty() || step.starts_with('[') { "" } else { "." };
        At {
            subject: self.subject.inner(),
            place: self.place.clone(),
            path: format!("{}{dot}{step}", self.path),
        }
    }

    fn in_words(&self) -> String {
        match self.path.as_str() {
            "" => self.place.clone(),
            path => format!("{}, `{path}`", self.place),
        }
    }
}

type Schemas<'s, 'a> = &'s [&'a Value];

impl<'a> Comparison<'a> {
    /// Compares what a value had to meet with what it has to meet.
    pub(super) fn schemas(
        &mut self,
        at: &At,
        old: Schemas<'_, 'a>,
        new: Schemas<'_, 'a>,
    ) -> Result<()> {
        let pair = (addresses(self.old, old), addresses(self.new, new));
        // A recursive schema: this pair is being compared already.
        if self.open.contains(&pair) {
            return Ok(());
        }
        self.open.push(pair);
        let old = Flat::of(self.old, old)?;
        let new = Flat::of(self.new, new)?;
        self.flats(at, &old, &new)?;
        self.open.pop();
        Ok(())
    }

    pub(super) fn flats(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) -> Result<()> {
        if !self.kinds(at, old, new) || !self.choices(at, old, new)? {
            return Ok(());
        }
        self.values(at, old, new);
        self.texts(at, "format", &old.formats, &new.formats);
        self.texts(at, "pattern", &old.patterns, &new.patterns);
        self.bounds(at, old, new);
        self.flags(at, old, new);
        if old.default != new.default {
            self.found(at, "default-value-changed", json!(old.default), json!(new.default));
        }
        self.properties(at, old, new)?;
        self.others(at, old, new)?;
        if !(old.items.is_empty() && new.items.is_empty()) {
            self.schemas(&at.inner("[]"), &old.items, &new.items)?;
        }
        let keys: BTreeSet<_> = old.unknown.keys().chain(new.unknown.keys()).collect();
        for key in keys {
            let (before, after) = (old.unknown.get(key), new.unknown.get(key));
            if !self.same_lists(before, after) {
                let place = format!("{}, keyword `{key}`", at.in_words());
                self.note("unknown", place, json!(before), json!(after));
            }
        }
        Ok(())
    }

    /// The types; false where no type is left to compare further.
    fn kinds(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) -> bool {
        let plain = |flat: &Flat<'a>| {
            let mut kinds = flat.kinds.clone()?;
            kinds.remove("null");
            Some(kinds)
        };
        let (before, after) = (plain(old), plain(new));
        if before.is_some() == after.is_some() && old.allows_null() != new.allows_null() {
            let suffix = match new.allows_null() {
                true => "became-nullable",
                false => "became-not-nullable",
            };
            self.found(at, suffix, json!(old.describe(self.old)), json!(new.describe(self.new)));
        }
        let suffix = match (&before, &after) {
            (Some(before), Some(after)) if before == after => return true,
            (None, None) => return true,
            (None, Some(_)) => "type-specialized",
            (Some(_), None) => "type-generalized",
            (Some(before), Some(after)) if before.is_subset(after) => "type-generalized",
            (Some(before), Some(after)) if after.is_subset(before) => "type-specialized",
            _ => "type-changed",
        };
        // An alternative of what there was is told by the alternatives.
        if old.choices.is_empty() != new.choices.is_empty() {
            return true;
        }
        // Where the comparison ends here, the report says all there was.
        let (from, to) = match suffix {
            "type-changed" => (old.describe(self.old), new.describe(self.new)),
            _ => (words::kinds(&before), words::kinds(&after)),
        };
        self.found(at, suffix, json!(from), json!(to));
        suffix != "type-changed"
    }

    fn properties(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) -> Result<()> {
        // A name that is only required is a property of any type.
        let all = |flat: &Flat<'a>| -> BTreeMap<&'a str, Vec<&'a Value>> {
            let mut all = flat.properties.clone();
            for name in &flat.required {
                all.entry(name).or_default();
            }
            all
        };
        let (before, after) = (all(old), all(new));
        for (name, schemas) in &before {
            let inner = at.inner(name);
            let required = (old.required.contains(name), new.required.contains(name));
            let Some(others) = after.get(name) else {
                let id = match (at.subject.is_request(), required.0) {
                    (true, _) => "request-property-removed",
                    (false, true) => "response-required-property-removed",
                    (false, false) => "response-optional-property-removed",
                };
                let words = Flat::of(self.old, schemas)?.describe(self.old);
                self.note(id, inner.in_words(), json!(words), Value::Null);
                continue;
            };
            match required {
                (false, true) => {
                    self.found(&inner, "became-required", json!("optional"), json!("required"))
                }
                (true, false) => {
                    self.found(&inner, "became-optional", json!("required"), json!("optional"))
                }
                _ => {}
            }
            self.schemas(&inner, schemas, others)?;
        }
        for (name, schemas) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            let required = new.required.contains(name);
            let closed = !is_open(&old.others);
            let id = match (at.subject.is_request(), required) {
                (true, true) => "new-required-request-property",
                (true, false) => "new-optional-request-property",
                (false, _) if closed => "response-property-added-to-closed-object",
                (false, true) => "response-required-property-added",
                (false, false) => "response-optional-property-added",
            };
            let words = Flat::of(self.new, schemas)?.describe(self.new);
            self.note(id, at.inner(name).in_words(), Value::Null, json!(words));
        }
        Ok(())
    }

    fn others(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) -> Result<()> {
        let closed = |others: &[&Value]| others.contains(&&Value::Bool(false));
        match (closed(&old.others), closed(&new.others)) {
            (true, true) => Ok(()),
            (true, false) => {
                self.found(at, "additional-properties-allowed", json!(false), json!(true));
                Ok(())
            }
            (false, true) => {
                self.found(at, "additional-properties-forbidden", json!(true), json!(false));
                Ok(())
            }
            (false, false) if is_open(&old.others) && is_open(&new.others) => Ok(()),
            (false, false) => self.schemas(&at.inner("*"), &old.others, &new.others),
        }
    }

    /// Notes a change inside a schema.
    pub(super) fn found(&mut self, at: &At, suffix: &str, old: Value, new: Value) {
        let (id, check) = at.subject.check(suffix);
        self.push(id, &check, at.in_words(), old, new);
    }

    fn same_lists(&self, old: Option<&Vec<&Value>>, new: Option<&Vec<&Value>>) -> bool {
        match (old, new) {
            (Some(old), Some(new)) => {
                old.len() == new.len() && old.iter().zip(new).all(|(old, new)| self.same(old, new))
            }
            (old, new) => old.is_none() && new.is_none(),
        }
    }
}

/// What tells schemas apart. A mere reference is what it leads to, so that a
/// recursive schema is known again wherever it is entered.
fn addresses(document: &Document, schemas: &[&Value]) -> Vec<*const Value> {
    let mere = |schema: &Value| schema.as_object().is_some_and(|map| map.len() == 1);
    let address = |schema: &&Value| match mere(schema) {
        true => std::ptr::from_ref(document.resolve(schema)),
        false => std::ptr::from_ref(*schema),
    };
    schemas.iter().map(address).collect()
}

fn is_open(others: &[&Value]) -> bool {
    let says_nothing = |it: &&Value| **it == Value::Bool(true) || **it == json!({});
    others.iter().all(says_nothing)
}
