//! Compares two schemas.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use figma_payments_openapi::Document;
use serde_json::{Value, json};

use super::comparison::Comparison;
use super::normalized::NormalizedSchema;
use super::schema_place::SchemaPlace;
use super::words;

/// Schemas that one value has to meet, all of them.
type Schemas<'s, 'a> = &'s [&'a Value];

impl<'a> Comparison<'a> {
    /// Compares the schemas that a value has to meet.
    pub(super) fn schemas(
        &mut self,
        at: &SchemaPlace,
        old: Schemas<'_, 'a>,
        new: Schemas<'_, 'a>,
    ) -> Result<()> {
        let pair = (addresses(self.old, old), addresses(self.new, new));
        // A recursive schema: this pair is already being compared.
        if self.open.contains(&pair) {
            return Ok(());
        }
        self.open.push(pair);
        let old = NormalizedSchema::of(self.old, old)?;
        let new = NormalizedSchema::of(self.new, new)?;
        self.normalized(at, &old, &new)?;
        self.open.pop();
        Ok(())
    }

    pub(super) fn normalized(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) -> Result<()> {
        if !self.types(at, old, new) || !self.alternatives(at, old, new)? {
            return Ok(());
        }
        self.values(at, old, new);
        self.text_keyword(at, "format", &old.formats, &new.formats);
        self.text_keyword(at, "pattern", &old.patterns, &new.patterns);
        self.bounds(at, old, new);
        self.flags(at, old, new);
        if old.default != new.default {
            self.found(at, "default-value-changed", json!(old.default), json!(new.default));
        }
        self.properties(at, old, new)?;
        self.additional_properties(at, old, new)?;
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

    /// Compares the types. False if they are so different that the rest is not compared.
    fn types(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) -> bool {
        let plain = |schema: &NormalizedSchema<'a>| {
            let mut types = schema.types.clone()?;
            types.remove("null");
            Some(types)
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
        // If only one side has alternatives, the change is reported with the alternatives.
        if old.alternatives.is_empty() != new.alternatives.is_empty() {
            return true;
        }
        // If nothing else is compared, the report describes both schemas in full.
        let (from, to) = match suffix {
            "type-changed" => (old.describe(self.old), new.describe(self.new)),
            _ => (words::types(&before), words::types(&after)),
        };
        self.found(at, suffix, json!(from), json!(to));
        suffix != "type-changed"
    }

    fn properties(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) -> Result<()> {
        // A name that is only listed in `required` is a property of any type.
        let all = |schema: &NormalizedSchema<'a>| -> BTreeMap<&'a str, Vec<&'a Value>> {
            let mut all = schema.properties.clone();
            for name in &schema.required {
                all.entry(name).or_default();
            }
            all
        };
        let (before, after) = (all(old), all(new));
        for (name, schemas) in &before {
            let inner = at.inner(name);
            let was_required = old.required.contains(name);
            let is_required = new.required.contains(name);
            let Some(new_schemas) = after.get(name) else {
                let id = match (at.subject.is_request(), was_required) {
                    (true, _) => "request-property-removed",
                    (false, true) => "response-required-property-removed",
                    (false, false) => "response-optional-property-removed",
                };
                let words = NormalizedSchema::of(self.old, schemas)?.describe(self.old);
                self.note(id, inner.in_words(), json!(words), Value::Null);
                continue;
            };
            match (was_required, is_required) {
                (false, true) => {
                    self.found(&inner, "became-required", json!("optional"), json!("required"))
                }
                (true, false) => {
                    self.found(&inner, "became-optional", json!("required"), json!("optional"))
                }
                _ => {}
            }
            self.schemas(&inner, schemas, new_schemas)?;
        }
        for (name, schemas) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            let required = new.required.contains(name);
            let closed = !is_open(&old.additional);
            let id = match (at.subject.is_request(), required) {
                (true, true) => "new-required-request-property",
                (true, false) => "new-optional-request-property",
                (false, _) if closed => "response-property-added-to-closed-object",
                (false, true) => "response-required-property-added",
                (false, false) => "response-optional-property-added",
            };
            let words = NormalizedSchema::of(self.new, schemas)?.describe(self.new);
            self.note(id, at.inner(name).in_words(), Value::Null, json!(words));
        }
        Ok(())
    }

    fn additional_properties(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) -> Result<()> {
        let closed = |others: &[&Value]| others.contains(&&Value::Bool(false));
        match (closed(&old.additional), closed(&new.additional)) {
            (true, true) => Ok(()),
            (true, false) => {
                self.found(at, "additional-properties-allowed", json!(false), json!(true));
                Ok(())
            }
            (false, true) => {
                self.found(at, "additional-properties-forbidden", json!(true), json!(false));
                Ok(())
            }
            (false, false) if is_open(&old.additional) && is_open(&new.additional) => Ok(()),
            (false, false) => self.schemas(&at.inner("*"), &old.additional, &new.additional),
        }
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

/// The addresses of schemas, which identify them. For a schema that is only a `$ref` it
/// is the address of the target, so that a recursive schema is recognized.
fn addresses(document: &Document, schemas: &[&Value]) -> Vec<*const Value> {
    let only_reference = |schema: &Value| schema.as_object().is_some_and(|map| map.len() == 1);
    let address = |schema: &&Value| match only_reference(schema) {
        true => std::ptr::from_ref(document.resolve(schema)),
        false => std::ptr::from_ref(*schema),
    };
    schemas.iter().map(address).collect()
}

/// Whether a schema allows any additional properties.
fn is_open(additional: &[&Value]) -> bool {
    let allows_all = |it: &&Value| **it == Value::Bool(true) || **it == json!({});
    additional.iter().all(allows_all)
}
