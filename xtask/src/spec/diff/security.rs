//! Compares the credentials that the operation requires. The names of the schemes do not
//! matter.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use figma_payments_openapi::Document;
use serde_json::{Map, Value, json};

use super::comparison::Comparison;
use super::pair::Pair;

/// One security requirement: the schemes that a request needs together, by name.
type Requirement<'a> = BTreeMap<&'a str, Scheme<'a>>;

/// A security scheme, and the scopes that are required of it.
#[derive(Debug, PartialEq)]
struct Scheme<'a> {
    definition: Map<String, Value>,
    scopes: Vec<&'a str>,
}

/// Keys of a scheme that do not change what a client sends.
const IGNORED: [&str; 3] = ["description", "bearerFormat", "deprecated"];

impl<'a> Comparison<'a> {
    pub(super) fn security(&mut self, place: &str, levels: [Pair<'a>; 2]) -> Result<()> {
        let place = format!("{place}, security");
        let security = Pair::first(&levels, "security");
        let mut before = requirements(self.old, security.old)?;
        let mut after = requirements(self.new, security.new)?;
        match (needs_credentials(&before), needs_credentials(&after)) {
            (false, false) => return Ok(()),
            (false, true) => {
                self.note("security-added", &place, Value::Null, json!(all_in_words(&after)));
                return Ok(());
            }
            (true, false) => {
                self.note("security-removed", &place, json!(all_in_words(&before)), Value::Null);
                return Ok(());
            }
            (true, true) => {}
        }
        before.retain(|old| match after.iter().position(|new| schemes(new) == schemes(old)) {
            Some(index) => {
                after.remove(index);
                false
            }
            None => true,
        });
        // A requirement with the same names, or the only one that is left on both sides,
        // counts as changed and not as removed and added.
        before.retain(|old| {
            let same_names = |new: &Requirement<'_>| new.keys().eq(old.keys());
            let only = after.len() == 1 && old.len() == 1 && after[0].len() == 1;
            let index = after.iter().position(same_names).or(only.then_some(0));
            let Some(index) = index else { return true };
            let new = after.remove(index);
            for ((_, old), (_, new)) in old.iter().zip(&new) {
                self.scheme(&place, old, new);
            }
            false
        });
        for requirement in before {
            self.note(
                "security-alternative-removed",
                &place,
                json!(in_words(&requirement)),
                Value::Null,
            );
        }
        for requirement in after {
            self.note(
                "security-alternative-added",
                &place,
                Value::Null,
                json!(in_words(&requirement)),
            );
        }
        Ok(())
    }

    fn scheme(
        &mut self,
        place: &str,
        Scheme { definition: old, scopes: old_scopes }: &Scheme<'_>,
        Scheme { definition: new, scopes: new_scopes }: &Scheme<'_>,
    ) {
        let kind = |scheme: &Map<String, Value>| {
            (scheme.get("type").cloned(), scheme.get("scheme").cloned())
        };
        if kind(old) != kind(new) {
            let old = json!(scheme_in_words(old));
            self.note("security-scheme-type-changed", place, old, json!(scheme_in_words(new)));
            return;
        }
        let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
        for key in keys {
            let (before, after) = (old.get(key), new.get(key));
            if before != after {
                let id = match key.as_str() {
                    "name" => "security-scheme-name-changed",
                    "in" => "security-scheme-place-changed",
                    "flows" | "openIdConnectUrl" => "security-scheme-changed",
                    _ => "unknown",
                };
                self.note(id, place, json!(before), json!(after));
            }
        }
        for scope in old_scopes.iter().filter(|scope| !new_scopes.contains(scope)) {
            self.note("security-scope-removed", place, json!(scope), Value::Null);
        }
        for scope in new_scopes.iter().filter(|scope| !old_scopes.contains(scope)) {
            self.note("security-scope-added", place, Value::Null, json!(scope));
        }
    }
}

/// The schemes without their names, in a fixed order, to compare requirements by.
fn schemes(requirement: &Requirement<'_>) -> Vec<String> {
    let schemes = requirement.values().map(|it| json!([it.definition, it.scopes]).to_string());
    let mut schemes: Vec<_> = schemes.collect();
    schemes.sort_unstable();
    schemes
}

/// Whether a request needs credentials. An empty requirement makes them optional.
fn needs_credentials(requirements: &[Requirement<'_>]) -> bool {
    !requirements.is_empty() && !requirements.iter().any(BTreeMap::is_empty)
}

fn requirements<'a>(
    document: &'a Document,
    security: Option<&'a Value>,
) -> Result<Vec<Requirement<'a>>> {
    let malformed = || {
        anyhow!(
            "{}: `security` is not a list of mappings, but such a list is expected",
            document.name()
        )
    };
    let Some(security) = security else {
        return Ok(Vec::new());
    };
    let list = security.as_array().ok_or_else(malformed)?;
    let requirement = |it: &'a Value| {
        let names = it.as_object().ok_or_else(malformed)?.iter();
        let scheme = |(name, scopes): (&'a String, &'a Value)| {
            let scheme = &document.root()["components"]["securitySchemes"][name];
            let mut scheme = document.resolve(scheme).as_object().cloned().unwrap_or_default();
            scheme.retain(|key, _| !IGNORED.contains(&key.as_str()) && !key.starts_with("x-"));
            normalize(&mut scheme);
            let scopes = scopes.as_array().into_iter().flatten();
            let mut scopes: Vec<_> = scopes.filter_map(Value::as_str).collect();
            scopes.sort_unstable();
            (name.as_str(), Scheme { definition: scheme, scopes })
        };
        Ok(names.map(scheme).collect())
    };
    list.iter().map(requirement).collect()
}

/// Makes equivalent schemes equal: the names of headers and authentication schemes in
/// lower case, sorted keys, and no list of the scopes that are available.
fn normalize(scheme: &mut Map<String, Value>) {
    let lower = |value: &mut Value| {
        if let Some(text) = value.as_str() {
            *value = json!(text.to_ascii_lowercase());
        }
    };
    if scheme.get("in") == Some(&json!("header")) {
        scheme.get_mut("name").map(lower);
    }
    scheme.get_mut("scheme").map(lower);
    for (_, flow) in scheme.get_mut("flows").and_then(Value::as_object_mut).into_iter().flatten() {
        flow.as_object_mut().map(|flow| flow.remove("scopes"));
    }
    scheme.sort_keys();
}

fn all_in_words(requirements: &[Requirement<'_>]) -> String {
    requirements.iter().map(in_words).collect::<Vec<_>>().join(" or ")
}

fn in_words(requirement: &Requirement<'_>) -> String {
    let all = requirement.values().map(|it| scheme_in_words(&it.definition));
    all.collect::<Vec<_>>().join(" and ")
}

/// `apiKey header x-figma-token`, `http bearer`.
fn scheme_in_words(scheme: &Map<String, Value>) -> String {
    let parts = ["type", "scheme", "in", "name"];
    let parts = parts.iter().filter_map(|key| scheme.get(*key)?.as_str());
    parts.collect::<Vec<_>>().join(" ")
}
