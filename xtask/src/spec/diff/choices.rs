//! Comparing `anyOf` and `oneOf`.

use anyhow::Result;
use serde_json::{Value, json};

use super::comparison::Comparison;
use super::normalized::{Choice, Flat};
use super::schemas::At;

impl<'a> Comparison<'a> {
    /// `anyOf` and `oneOf`; false where the rest cannot be compared.
    pub(super) fn choices(&mut self, at: &At, old: &Flat<'a>, new: &Flat<'a>) -> Result<bool> {
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
        if of.is_mere_choice() && others.len() + 1 == choice.branches.len() {
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

    /// Whether a comparison finds nothing; what it finds is not noted.
    fn quietly(&mut self, compare: impl FnOnce(&mut Self) -> Result<()>) -> Result<bool> {
        let before = self.changes.len();
        compare(self)?;
        let same = self.changes.len() == before;
        self.changes.truncate(before);
        Ok(same)
    }
}
