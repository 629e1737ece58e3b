//! Reading: YAML text to a value, refusing what a parser would swallow without
//! a word, and references that lead nowhere.

use serde_json::{Map, Number, Value};
use yaml_serde::Value as Yaml;

use crate::pointer;
use crate::{Error, Result};

/// Larger texts are refused before they are parsed. Figma's whole document
/// takes 0.4 MB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// An integer literal beyond this does not survive as a float.
const LARGEST_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// An OpenAPI document that was read whole: no duplicate keys, no tags, no
/// merge keys, every `$ref` leads to a place inside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    name: String,
    root: Value,
}

impl Document {
    /// Reads YAML (or JSON, which is YAML). `name` stands in error messages and
    /// is usually the file's name.
    ///
    /// # Errors
    ///
    /// Text that is not YAML, is too large, is not a mapping at the top, has
    /// duplicate or non-text keys, tags, merge keys, `.nan` or `.inf`, numbers
    /// that lose digits, or a `$ref` that dangles, goes in circles or leaves
    /// the document.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            return Err(Error::new(
                name,
                format!(
                    "is {} bytes long; an OpenAPI document of at most {MAX_BYTES} bytes is expected",
                    text.len()
                ),
            ));
        }
        let yaml: Yaml = yaml_serde::from_str(text).map_err(|error| {
            let line = error.location().map(|location| location.line());
            Error::new(name, format!("is not readable as YAML: {error}")).with_line(line)
        })?;
        let root = to_json(name, "", yaml)?;
        if !root.is_object() {
            return Err(Error::new(
                name,
                "is not an OpenAPI document: a mapping that starts with `openapi:` is expected at the top",
            ));
        }
        Document::from_value(name, root)
    }

    /// Takes a value that is already parsed; its references are checked.
    ///
    /// # Errors
    ///
    /// A `$ref` that dangles, goes in circles or leaves the document.
    pub fn from_value(name: &str, root: Value) -> Result<Self> {
        let document = Document { name: name.to_owned(), root };
        references("", &document.root)
            .try_for_each(|(at, target)| document.check_reference(&at, target))?;
        Ok(document)
    }

    /// The name it was read under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole document.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Follows `$ref`s, if `value` is one, to what they stand for.
    pub fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        // Every chain of references was seen to end when the document was read.
        while let Some(target) = reference(value) {
            match pointer::of_reference(target).and_then(|p| self.root.pointer(&p)) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    pub(crate) fn error(&self, pointer: &str, message: impl Into<String>) -> Error {
        Error::at(&self.name, pointer, message)
    }

    fn check_reference(&self, at: &str, target: &Value) -> Result<()> {
        // A property may be called `$ref`; then a schema stands here.
        let Some(first) = target.as_str() else {
            return if at.ends_with("/properties") {
                Ok(())
            } else {
                Err(self.error(at, "`$ref` has to be text like `#/components/schemas/Name`"))
            };
        };
        let mut target = first;
        let mut seen = Vec::new();
        loop {
            let Some(place) = pointer::of_reference(target) else {
                return Err(self.error(
                    at,
                    format!(
                        "`$ref: {target}` leaves the document; only references like `#/components/schemas/Name` are followed"
                    ),
                ));
            };
            let Some(value) = self.root.pointer(&place) else {
                return Err(self.error(at, format!("`$ref: {target}` leads nowhere")));
            };
            if seen.contains(&target) {
                return Err(self.error(at, format!("`$ref: {first}` goes in circles")));
            }
            seen.push(target);
            match reference(value) {
                Some(next) => target = next,
                None => return Ok(()),
            }
        }
    }
}

/// Every `$ref` in `value`, which stands at the JSON pointer `at`: where it
/// stands and what it says. Data of the API (examples, defaults) has none.
pub fn references<'a>(at: &str, value: &'a Value) -> impl Iterator<Item = (String, &'a Value)> {
    let mut found = Vec::new();
    collect(at, value, &mut found);
    found.into_iter()
}

fn collect<'a>(at: &str, value: &'a Value, into: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref") {
                into.push((at.to_owned(), target));
            }
            for (key, child) in map {
                if !holds_data(at, key, child) {
                    collect(&pointer::join(at, key), child, into);
                }
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                collect(&pointer::join(at, &index.to_string()), child, into);
            }
        }
        _ => {}
    }
}

/// Places whose keys are names that the author chose, not OpenAPI's keywords.
const MAPS_OF_NAMES: [&str; 12] = [
    "properties",
    "patternProperties",
    "$defs",
    "schemas",
    "parameters",
    "responses",
    "examples",
    "headers",
    "requestBodies",
    "securitySchemes",
    "links",
    "callbacks",
];

/// Whether `child` is data of the API, in which `$ref` is a key like any other.
fn holds_data(at: &str, key: &str, child: &Value) -> bool {
    let mut parents = at.rsplit('/');
    let (parent, grandparent) = (parents.next(), parents.next());
    if parent.is_some_and(|parent| MAPS_OF_NAMES.contains(&parent)) {
        return false;
    }
    match key {
        "example" | "default" | "enum" | "const" => true,
        "examples" => child.is_array(),
        "value" => grandparent == Some("examples"),
        _ => false,
    }
}

/// The target, where the value is a reference.
pub(crate) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

fn to_json(name: &str, at: &str, yaml: Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::String(value) => Value::String(value),
        Yaml::Number(value) => Value::Number(number(name, at, &value)?),
        Yaml::Sequence(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| to_json(name, &pointer::join(at, &index.to_string()), item))
            .collect::<Result<_>>()?,
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = key_text(name, at, key)?;
                let value = to_json(name, &pointer::join(at, &key), value)?;
                if map.contains_key(&key) {
                    return Err(Error::at(
                        name,
                        at,
                        format!("has the key `{key}` twice, as text and as a number"),
                    ));
                }
                map.insert(key, value);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => {
            return Err(Error::at(
                name,
                at,
                format!("has the tag `{}`; tags have no meaning in OpenAPI", tagged.tag),
            ));
        }
    })
}

fn key_text(name: &str, at: &str, key: Yaml) -> Result<String> {
    match key {
        Yaml::String(key) if key == "<<" => Err(Error::at(
            name,
            at,
            "has the merge key `<<`, which OpenAPI does not know; write the keys out",
        )),
        Yaml::String(key) => Ok(key),
        // An unquoted status code, as OpenAPI authors often write it.
        Yaml::Number(key) if key.is_u64() => Ok(key.to_string()),
        other => Err(Error::at(
            name,
            at,
            format!("has a key that is not text ({other:?}); put it in quotes"),
        )),
    }
}

fn number(name: &str, at: &str, value: &yaml_serde::Number) -> Result<Number> {
    if let Some(value) = value.as_u64() {
        return Ok(value.into());
    }
    if let Some(value) = value.as_i64() {
        return Ok(value.into());
    }
    let float = value.as_f64().unwrap_or(f64::NAN);
    if float.is_finite() && float.abs() >= LARGEST_EXACT_FLOAT {
        return Err(Error::at(
            name,
            at,
            format!("the number {value} loses digits when it is read; put it in quotes"),
        ));
    }
    Number::from_f64(float)
        .ok_or_else(|| Error::at(name, at, format!("the number {value} does not exist in JSON")))
}
