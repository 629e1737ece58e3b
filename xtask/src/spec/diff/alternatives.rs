//! Compares the alternatives of schemas: `anyOf` and `oneOf`.

use anyhow::Result;
use serde_json::{Value, json};

use super::comparison::Comparison;
use super::normalized::{Alternatives, NormalizedSchema};
use super::schema_place::SchemaPlace;

/// Whether the new schema has the alternatives or the old one had them.
#[derive(Debug, Clone, Copy)]
enum Step {
    Added,
    Removed,
}

impl<'a> Comparison<'a> {
    /// Compares `anyOf` and `oneOf`. False if the rest of the schemas cannot be compared.
    pub(super) fn alternatives(
        &mut self,
        at: &SchemaPlace,
        old: &NormalizedSchema<'a>,
        new: &NormalizedSchema<'a>,
    ) -> Result<bool> {
        match (&old.alternatives[..], &new.alternatives[..]) {
            ([], []) => Ok(true),
            ([], [choice]) => self.plain_or_alternatives(at, Step::Added, old, choice, new),
            ([choice], []) => self.plain_or_alternatives(at, Step::Removed, new, choice, old),
            (before, after) if before.len() == after.len() => {
                for (before, after) in before.iter().zip(after) {
                    self.branches(at, before, after)?;
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

    /// Compares a schema without alternatives with one that has alternatives, `of`. If the
    /// schema is one of these, the others were added or removed.
    fn plain_or_alternatives(
        &mut self,
        at: &SchemaPlace,
        step: Step,
        plain: &NormalizedSchema<'a>,
        alternatives: &Alternatives<'a>,
        of: &NormalizedSchema<'a>,
    ) -> Result<bool> {
        let (plain_document, document) = match step {
            Step::Added => (self.old, self.new),
            Step::Removed => (self.new, self.old),
        };
        let mut others = Vec::new();
        for branch in &alternatives.branches {
            let branch = NormalizedSchema::of(document, &[branch])?;
            let same = self.finds_nothing(|it| match step {
                Step::Added => it.normalized(at, plain, &branch),
                Step::Removed => it.normalized(at, &branch, plain),
            })?;
            if !same {
                others.push(branch.describe(document));
            }
        }
        if of.has_only_alternatives() && others.len() + 1 == alternatives.branches.len() {
            for other in others {
                match step {
                    Step::Added => {
                        self.found(at, "alternative-added", Value::Null, json!(other));
                    }
                    Step::Removed => {
                        self.found(at, "alternative-removed", json!(other), Value::Null);
                    }
                }
            }
        } else {
            let plain = json!(plain.describe(plain_document));
            let of = json!(of.describe(document));
            match step {
                Step::Added => self.found(at, "composition-changed", plain, of),
                Step::Removed => self.found(at, "composition-changed", of, plain),
            }
        }
        Ok(false)
    }

    /// Compares two lists of alternatives. Their order does not matter.
    fn branches(
        &mut self,
        at: &SchemaPlace,
        old: &Alternatives<'a>,
        new: &Alternatives<'a>,
    ) -> Result<()> {
        if old.keyword != new.keyword {
            self.found(at, "composition-changed", json!(old.keyword), json!(new.keyword));
        }
        let mut added = new.branches.clone();
        let mut removed = Vec::new();
        for before in &old.branches {
            let mut found = None;
            for (index, after) in added.iter().enumerate() {
                if self.finds_nothing(|it| it.schemas(at, &[before], &[after]))? {
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
            let words = NormalizedSchema::of(self.old, &[schema])?.describe(self.old);
            self.found(at, "alternative-removed", json!(words), Value::Null);
        }
        for schema in added {
            let words = NormalizedSchema::of(self.new, &[schema])?.describe(self.new);
            self.found(at, "alternative-added", Value::Null, json!(words));
        }
        Ok(())
    }

    /// Whether a comparison finds no change. Changes that it finds are dropped.
    fn finds_nothing(&mut self, compare: impl FnOnce(&mut Self) -> Result<()>) -> Result<bool> {
        let before = self.changes.len();
        compare(self)?;
        let same = self.changes.len() == before;
        self.changes.truncate(before);
        Ok(same)
    }
}
