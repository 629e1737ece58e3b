//! Comparing two schemas, whoever writes the value.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use figma_payments_openapi::Document;
use serde_json::{Value, json};

use super::Comparison;
use super::checks::Subject;
use super::flat::{self, BOUNDS, Choice, Flat};

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

    fn inner(&self, step: &str) -> Self {
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

    fn flats(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) -> Result<()> {
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
            _ => (flat::kinds_in_words(&before), flat::kinds_in_words(&after)),
        };
        self.found(at, suffix, json!(from), json!(to));
        suffix != "type-changed"
    }

    /// `anyOf` and `oneOf`; false where the rest cannot be compared.
    fn choices(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) -> Result<bool> {
        match (&old.choices[..], &new.choices[..]) {
            ([], []) => Ok(true),
            ([], [choice]) => self.one_or_several(at, old, choice, new, "alternative-added"),
            ([choice], []) => self.one_or_several(at, new, choice, old, "alternative-removed"),
            (before, after) if before.len() == after.len() => {
                for (before, after) in before.iter().zip(after) {
                    self.choice(at, before, after)?;
                }
                Ok(true)
            }
            _ => {
                self.found(
                    at,
                    "composition-changed",
                    json!(old.describe(self.old)),
                    json!(new.describe(self.new)),
                );
                Ok(false)
            }
        }
    }

    /// One side is a plain schema, the other a choice that may contain it.
    fn one_or_several(
        &mut self,
        at: &At,
        plain: &Flat<'a>,
        choice: &Choice<'a>,
        of: &Flat<'a>,
        suffix: &str,
    ) -> Result<bool> {
        let added = suffix == "alternative-added";
        let document = match added {
            true => self.new,
            false => self.old,
        };
        let mut others = Vec::new();
        for branch in &choice.branches {
            let branch = Flat::of(document, &[branch])?;
            let same = self.quietly(|quiet| match added {
                true => quiet.flats(at, plain, &branch),
                false => quiet.flats(at, &branch, plain),
            })?;
            if !same {
                others.push(branch.describe(document));
            }
        }
        let alone = of.kinds.is_none() && of.properties.is_empty() && of.values.is_none();
        if alone && others.len() + 1 == choice.branches.len() {
            for other in others {
                let (old, new) = match added {
                    true => (Value::Null, json!(other)),
                    false => (json!(other), Value::Null),
                };
                self.found(at, suffix, old, new);
            }
        } else {
            let here = if added { self.old } else { self.new };
            let (plain, choice) = (json!(plain.describe(here)), json!(of.describe(document)));
            let (old, new) = if added { (plain, choice) } else { (choice, plain) };
            self.found(at, "composition-changed", old, new);
        }
        Ok(false)
    }

    fn choice(&mut self, at: &At, old: &Choice<'a>, new: &Choice<'a>) -> Result<()> {
        if old.keyword != new.keyword {
            self.found(at, "composition-changed", json!(old.keyword), json!(new.keyword));
        }
        let mut added = new.branches.clone();
        let mut removed = Vec::new();
        for before in &old.branches {
            let mut found = None;
            for (index, after) in added.iter().enumerate() {
                if self.quietly(|quiet| quiet.schemas(at, &[before], &[after]))? {
                    found = Some(index);
                    break;
                }
            }
            match found {
                Some(index) => drop(added.remove(index)),
                None => removed.push(*before),
            }
        }
        if let ([before], [after]) = (&removed[..], &added[..]) {
            return self.schemas(&at.inner("[alternative]"), &[before], &[after]);
        }
        for schema in removed {
            let words = Flat::of(self.old, &[schema])?.describe(self.old);
            self.found(at, "alternative-removed", json!(words), Value::Null);
        }
        for schema in added {
            let words = Flat::of(self.new, &[schema])?.describe(self.new);
            self.found(at, "alternative-added", Value::Null, json!(words));
        }
        Ok(())
    }

    fn values(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) {
        match (&old.values, &new.values) {
            (None, None) => {}
            (Some(old), None) => {
                self.found(at, "became-not-enum", json!(flat::in_words(old)), Value::Null);
            }
            (None, Some(new)) => {
                self.found(at, "became-enum", Value::Null, json!(flat::in_words(new)));
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

    fn texts(&mut self, at: &At, what: &str, old: &BTreeSet<&str>, new: &BTreeSet<&str>) {
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
        self.found(at, &format!("{what}-{step}"), joined(old), joined(new));
    }

    fn bounds(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) {
        for (key, tighter) in BOUNDS {
            let (before, after) = (old.bounds.get(key), new.bounds.get(key));
            let suffix = match (before, after) {
                (None, None) => continue,
                (None, Some(_)) => "bound-tightened",
                (Some(_), None) => "bound-relaxed",
                (Some(before), Some(after)) => match flat::order(after, before) {
                    Ordering::Equal => continue,
                    order if order == tighter => "bound-tightened",
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

    fn flags(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) {
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

    /// Whether a comparison finds nothing; what it finds is not noted.
    fn quietly(&mut self, compare: impl FnOnce(&mut Self) -> Result<()>) -> Result<bool> {
        let before = self.changes.len();
        compare(self)?;
        let same = self.changes.len() == before;
        self.changes.truncate(before);
        Ok(same)
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
