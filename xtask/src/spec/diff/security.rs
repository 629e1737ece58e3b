//! Comparing what the operation asks for as credentials. Schemes are compared
//! by what they are, not by what they are called.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use figma_payments_openapi::Document;
use serde_json::{Map, Value, json};

use super::comparison::{Comparison, Pair};
use super::operation::both;

/// What has to be sent together: the schemes by name, and the scopes of each.
type Alternative<'a> = BTreeMap<&'a str, (Map<String, Value>, Vec<&'a str>)>;

/// Keys that a client does not act on.
const TEXTS: [&str; 3] = ["description", "bearerFormat", "deprecated"];

impl<'a> Comparison<'a> {
    pub(super) fn security(&mut self, place: &str, levels: [Pair<'a>; 2]) -> Result<()> {
        let place = format!("{place}, security");
        let [old, new] =
            [0, 1].map(|side| levels.iter().find_map(|level| both(*level, "security")[side]));
        let (mut before, mut after) = (alternatives(self.old, old)?, alternatives(self.new, new)?);
        match (asks(&before), asks(&after)) {
            (false, false) => return Ok(()),
            (false, true) => {
                self.note("security-added", &place, Value::Null, json!(words_of_all(&after)));
                return Ok(());
            }
            (true, false) => {
                self.note("security-removed", &place, json!(words_of_all(&before)), Value::Null);
                return Ok(());
            }
            (true, true) => {}
        }
        before.retain(|old| match after.iter().position(|new| meaning(new) == meaning(old)) {
            Some(index) => {
                after.remove(index);
                false
            }
            None => true,
        });
        // The same names, or the only one left on either side: it was changed.
        before.retain(|old| {
            let same_names = |new: &Alternative<'_>| new.keys().eq(old.keys());
            let only = after.len() == 1 && old.len() == 1 && after[0].len() == 1;
            let index = after.iter().position(same_names).or(only.then_some(0));
            let Some(index) = index else { return true };
            let new = after.remove(index);
            for ((_, old), (_, new)) in old.iter().zip(&new) {
                self.scheme(&place, old, new);
            }
            false
        });
        for alternative in before {
            self.note(
                "security-alternative-removed",
                &place,
                json!(words(&alternative)),
                Value::Null,
            );
        }
        for alternative in after {
            self.note(
                "security-alternative-added",
                &place,
                Value::Null,
                json!(words(&alternative)),
            );
        }
        Ok(())
    }

    fn scheme(
        &mut self,
        place: &str,
        (old, old_scopes): &(Map<String, Value>, Vec<&str>),
        (new, new_scopes): &(Map<String, Value>, Vec<&str>),
    ) {
        let kind = |scheme: &Map<String, Value>| {
            (scheme.get("type").cloned(), scheme.get("scheme").cloned())
        };
        if kind(old) != kind(new) {
            let (old, new) = (scheme_in_words(old), scheme_in_words(new));
            self.note("security-scheme-type-changed", place, json!(old), json!(new));
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

/// What has to be sent, whatever it is called.
fn meaning(alternative: &Alternative<'_>) -> Vec<String> {
    let schemes = alternative.values().map(|scheme| json!(scheme).to_string());
    let mut schemes: Vec<_> = schemes.collect();
    schemes.sort_unstable();
    schemes
}

/// Whether anything has to be sent at all.
fn asks(alternatives: &[Alternative<'_>]) -> bool {
    !alternatives.is_empty() && !alternatives.iter().any(BTreeMap::is_empty)
}

fn alternatives<'a>(
    document: &'a Document,
    security: Option<&'a Value>,
) -> Result<Vec<Alternative<'a>>> {
    let malformed = || anyhow!("{}: `security` is not a list of mappings", document.name());
    let Some(security) = security else {
        return Ok(Vec::new());
    };
    let list = security.as_array().ok_or_else(malformed)?;
    let alternative = |it: &'a Value| {
        let names = it.as_object().ok_or_else(malformed)?.iter();
        let scheme = |(name, scopes): (&'a String, &'a Value)| {
            let scheme = &document.root()["components"]["securitySchemes"][name];
            let mut scheme = document.resolve(scheme).as_object().cloned().unwrap_or_default();
            scheme.retain(|key, _| !TEXTS.contains(&key.as_str()) && !key.starts_with("x-"));
            normalize(&mut scheme);
            let scopes = scopes.as_array().into_iter().flatten();
            let mut scopes: Vec<_> = scopes.filter_map(Value::as_str).collect();
            scopes.sort_unstable();
            (name.as_str(), (scheme, scopes))
        };
        Ok(names.map(scheme).collect())
    };
    list.iter().map(alternative).collect()
}

/// Names of headers and of authentication schemes have no case; the order of
/// keys means nothing; a list of available scopes is not what is asked for.
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

fn words_of_all(alternatives: &[Alternative<'_>]) -> String {
    alternatives.iter().map(words).collect::<Vec<_>>().join(" or ")
}

fn words(alternative: &Alternative<'_>) -> String {
    let all = alternative.values().map(|(scheme, _)| scheme_in_words(scheme));
    all.collect::<Vec<_>>().join(" and ")
}

/// `apiKey header x-figma-token`, `http bearer`.
fn scheme_in_words(scheme: &Map<String, Value>) -> String {
    let parts = ["type", "scheme", "in", "name"];
    let parts = parts.iter().filter_map(|key| scheme.get(*key)?.as_str());
    parts.collect::<Vec<_>>().join(" ")
}
