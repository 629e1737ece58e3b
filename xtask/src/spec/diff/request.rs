//! Compares the request: the parameters, matched by name and `in`, and the body.

use anyhow::{Result, anyhow, bail};
use figma_payments_openapi::Document;
use serde_json::{Value, json};

use super::checks::Subject;
use super::comparison::Comparison;
use super::content::{is_required, schema};
use super::pair::Pair;
use super::schema_place::SchemaPlace;

/// The keys of a parameter that are compared here or do not matter.
const PARAMETER: [&str; 13] = [
    "name",
    "in",
    "description",
    "required",
    "deprecated",
    "schema",
    "content",
    "style",
    "explode",
    "allowReserved",
    "allowEmptyValue",
    "example",
    "examples",
];
/// The keys of a body that are compared here or do not matter.
const BODY: [&str; 3] = ["description", "content", "required"];

impl<'a> Comparison<'a> {
    pub(super) fn parameters(
        &mut self,
        place: &str,
        items: Pair<'a>,
        operations: Pair<'a>,
    ) -> Result<()> {
        let old = collect(self.old, items.old, operations.old)?;
        let mut new = collect(self.new, items.new, operations.new)?;
        let mut removed = Vec::new();
        for (key, before) in old {
            match new.iter().position(|(it, _)| *it == key) {
                Some(index) => self.parameter(place, before, new.remove(index).1)?,
                None => removed.push((key, before)),
            }
        }
        for ((name, old_in), before) in removed {
            let moved = new.iter().position(|((it, _), _)| *it == name);
            if let Some(index) = moved {
                let ((_, new_in), after) = new.remove(index);
                let at = format!("{place}, parameter `{name}`");
                self.note("request-parameter-place-changed", at, json!(old_in), json!(new_in));
                self.parameter(place, before, after)?;
            } else {
                let at = in_words(place, before);
                self.note("request-parameter-removed", at, json!(name), Value::Null);
            }
        }
        for ((name, _), after) in new {
            let id = match is_required(after) {
                true => "new-required-request-parameter",
                false => "new-optional-request-parameter",
            };
            self.note(id, in_words(place, after), Value::Null, json!(name));
        }
        Ok(())
    }

    fn parameter(&mut self, place: &str, old: &'a Value, new: &'a Value) -> Result<()> {
        let at = SchemaPlace::new(Subject::RequestParameter, in_words(place, new));
        self.unknown_keys(&at.owner, Pair::of(old, new), &PARAMETER);
        self.required_and_deprecated(&at, old, new);
        if old["in"] == new["in"] {
            let (before, after) = (style(old), style(new));
            if before != after {
                self.note(
                    "request-parameter-style-changed",
                    &at.owner,
                    json!(before),
                    json!(after),
                );
            }
        }
        let empty = |it: &Value| it["allowEmptyValue"] == true;
        match (empty(old), empty(new)) {
            (false, true) => self.note(
                "request-parameter-empty-value-allowed",
                &at.owner,
                json!(false),
                json!(true),
            ),
            (true, false) => self.note(
                "request-parameter-empty-value-forbidden",
                &at.owner,
                json!(true),
                json!(false),
            ),
            _ => {}
        }
        self.schemas(&at, &schema(old), &schema(new))
    }

    pub(super) fn request_body(&mut self, place: &str, bodies: Pair<'a>) -> Result<()> {
        let place = format!("{place}, request body");
        let bodies = self.resolve(bodies);
        match (bodies.old, bodies.new) {
            (None, None) => {}
            (None, Some(new)) => {
                let id = match is_required(new) {
                    true => "new-required-request-body",
                    false => "new-optional-request-body",
                };
                self.note(id, place, Value::Null, json!("a body"));
            }
            (Some(_), None) => {
                self.note("request-body-removed", place, json!("a body"), Value::Null)
            }
            (Some(old), Some(new)) => {
                self.unknown_keys(&place, Pair::of(old, new), &BODY);
                let at = SchemaPlace::new(Subject::RequestBody, &place);
                self.required_and_deprecated(&at, old, new);
                self.content(Subject::RequestBody, &place, old, new)?;
            }
        }
        Ok(())
    }
}

/// The name and the `in` of a parameter, which together identify it.
type Key = (String, String);

/// The parameters of the operation, and those of its path item that the operation does
/// not override.
fn collect<'a>(
    document: &'a Document,
    item: Option<&'a Value>,
    operation: Option<&'a Value>,
) -> Result<Vec<(Key, &'a Value)>> {
    let mut all: Vec<(Key, &Value)> = Vec::new();
    for owner in [operation, item] {
        let Some(list) = owner.and_then(|owner| owner.get("parameters")) else {
            continue;
        };
        let inherited = all.len();
        for parameter in list
            .as_array()
            .ok_or_else(|| anyhow!("{}: `parameters` is not a list", document.name()))?
        {
            let parameter = document.resolve(parameter);
            let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str())
            else {
                bail!("{}: a parameter lacks `name` or `in`", document.name());
            };
            let name = match place {
                "header" => name.to_ascii_lowercase(),
                _ => name.to_owned(),
            };
            let key = (name, place.to_owned());
            match all.iter().position(|(it, _)| *it == key) {
                None => all.push((key, parameter)),
                Some(index) if index < inherited => {}
                Some(_) => {
                    bail!("{}: has the {} parameter `{}` twice", document.name(), key.1, key.0)
                }
            }
        }
    }
    Ok(all)
}

fn in_words(place: &str, parameter: &Value) -> String {
    let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
    format!("{place}, {} parameter `{}`", text("in"), text("name"))
}

/// How the value of a parameter is serialized: style, explode and reserved characters, or
/// a media type. Defaults are filled in.
fn style(parameter: &Value) -> String {
    if let Some(content) = parameter["content"].as_object() {
        let names: Vec<_> = content.keys().map(String::as_str).collect();
        return names.join(", ");
    }
    let default = match parameter["in"].as_str() {
        Some("path" | "header") => "simple",
        _ => "form",
    };
    let style = parameter["style"].as_str().unwrap_or(default);
    let explode = parameter["explode"].as_bool().unwrap_or(style == "form");
    let reserved = match parameter["allowReserved"] == true {
        true => ", reserved characters not encoded",
        false => "",
    };
    format!("{style}{}{reserved}", if explode { ", exploded" } else { "" })
}
