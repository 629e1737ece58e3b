//! Reading: YAML text to a value. Refuses text that a parser would change silently,
//! and references whose target does not exist.

use serde_json::{Map, Number, Value};
use yaml_serde::Value as Yaml;

use crate::error::{Error, Result};
use crate::pointer;

/// The longest text that is parsed. Figma's whole document has 0.4 MB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Whole numbers from here on may lose digits when they are read as floats.
const LARGEST_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// An OpenAPI document that was read without losses: no duplicate keys, no tags, no
/// merge keys, and the target of every `$ref` exists in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    name: String,
    root: Value,
}

impl Document {
    /// Reads YAML, or JSON, which is valid YAML. `name` is shown in error messages;
    /// usually it is the file's name.
    ///
    /// # Errors
    ///
    /// Text that is not YAML, is too large, is not a mapping at the top, has
    /// duplicate or non-text keys, tags, merge keys, `.nan` or `.inf`, numbers
    /// that lose digits, or a `$ref` whose target does not exist, is the `$ref`
    /// itself, or is in another document.
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
                "is not an OpenAPI document: a mapping with the key `openapi` is expected at the top level",
            ));
        }
        Document::from_value(name, root)
    }

    /// Makes a document of a parsed value and checks its references.
    ///
    /// # Errors
    ///
    /// A `$ref` whose target does not exist, is the `$ref` itself, or is in another
    /// document.
    pub fn from_value(name: &str, root: Value) -> Result<Self> {
        let document = Document { name: name.to_owned(), root };
        references("", &document.root)
            .try_for_each(|(at, target)| document.check_reference(&at, target))?;
        Ok(document)
    }

    /// The name for error messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole document.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The value itself, or the target if it is a `$ref`, or a `$ref` to a `$ref`.
    pub fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        // This ends: reading the document refused references in a circle.
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
                Err(self.error(
                    at,
                    "`$ref` is not text; a value like `#/components/schemas/Name` is expected",
                ))
            };
        };
        let mut target = first;
        let mut seen = Vec::new();
        loop {
            let Some(place) = pointer::of_reference(target) else {
                return Err(self.error(
                    at,
                    format!(
                        "`$ref: {target}` refers to another document; only references like `#/components/schemas/Name` are supported"
                    ),
                ));
            };
            let Some(value) = self.root.pointer(&place) else {
                return Err(self
                    .error(at, format!("`$ref: {target}` refers to a place that does not exist")));
            };
            if seen.contains(&target) {
                return Err(self.error(at, format!("`$ref: {first}` refers back to itself")));
            }
            seen.push(target);
            match reference(value) {
                Some(next) => target = next,
                None => return Ok(()),
            }
        }
    }
}

/// Every `$ref` in `value`, with the JSON pointer of the object that has it. `at` is
/// the JSON pointer of `value`. In example and default values `$ref` is ordinary
/// data, so these are left out.
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

/// Keywords whose value is a map from names to objects: its keys are names that the
/// author chose, not keywords.
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

/// Whether `child` is an example, a default or another literal value, in which
/// `$ref` is a key like any other.
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

/// The target, if the value is a `$ref`.
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
                        format!("has the key `{key}` twice: as text and as a number"),
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
                format!(
                    "has the YAML tag `{}`, which OpenAPI does not allow; remove it",
                    tagged.tag
                ),
            ));
        }
    })
}

fn key_text(name: &str, at: &str, key: Yaml) -> Result<String> {
    match key {
        Yaml::String(key) if key == "<<" => Err(Error::at(
            name,
            at,
            "has the YAML merge key `<<`, which OpenAPI does not allow; write the merged keys out",
        )),
        Yaml::String(key) => Ok(key),
        // An HTTP status without quotes, as many OpenAPI documents have it.
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
            format!("the number {value} is too large to be read exactly; put it in quotes"),
        ));
    }
    Number::from_f64(float)
        .ok_or_else(|| Error::at(name, at, format!("the number {value} cannot be written in JSON")))
}
