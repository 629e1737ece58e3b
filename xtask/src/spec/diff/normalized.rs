//! A schema in a normal form, so that schemas with the same meaning can be compared:
//! `$ref` resolved, `allOf` merged, and one form for the different ways to write "or null"
//! and "one of these values".

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use figma_payments_openapi::Document;
use serde_json::{Map, Value};

use super::words;

/// A schema in normal form. The default allows every value.
#[derive(Debug, Clone, Default)]
pub(super) struct NormalizedSchema<'a> {
    /// The allowed types; `None` is any. `number` always comes with `integer`.
    pub(super) types: Option<BTreeSet<&'a str>>,
    /// The allowed values; `None` is any.
    pub(super) values: Option<Vec<&'a Value>>,
    pub(super) formats: BTreeSet<&'a str>,
    pub(super) patterns: BTreeSet<&'a str>,
    pub(super) bounds: BTreeMap<&'static str, &'a Value>,
    /// The properties, with the schemas that each has to meet.
    pub(super) properties: BTreeMap<&'a str, Vec<&'a Value>>,
    pub(super) required: BTreeSet<&'a str>,
    /// The schemas that all other properties have to meet.
    pub(super) additional: Vec<&'a Value>,
    pub(super) items: Vec<&'a Value>,
    pub(super) alternatives: Vec<Alternatives<'a>>,
    pub(super) default: Option<&'a Value>,
    pub(super) flags: BTreeSet<&'static str>,
    /// Keywords that this tool does not know.
    pub(super) unknown: BTreeMap<&'a str, Vec<&'a Value>>,
}

/// An `anyOf` or `oneOf` that is more than a list of values or an "or null".
#[derive(Debug, Clone)]
pub(super) struct Alternatives<'a> {
    pub(super) keyword: &'a str,
    pub(super) branches: Vec<&'a Value>,
    /// Whether null is one of the alternatives.
    pub(super) null: bool,
}

/// Keywords that change neither the wire format nor the Rust API.
const IGNORED: [&str; 7] =
    ["description", "title", "example", "examples", "externalDocs", "$comment", "$ref"];

/// The bounds, and in which direction each gets stricter.
pub(super) const BOUNDS: [(&str, Ordering); 10] = [
    ("maximum", Ordering::Less),
    ("exclusiveMaximum", Ordering::Less),
    ("maxLength", Ordering::Less),
    ("maxItems", Ordering::Less),
    ("maxProperties", Ordering::Less),
    ("minimum", Ordering::Greater),
    ("exclusiveMinimum", Ordering::Greater),
    ("minLength", Ordering::Greater),
    ("minItems", Ordering::Greater),
    ("minProperties", Ordering::Greater),
];

const FLAGS: [&str; 4] = ["deprecated", "readOnly", "writeOnly", "uniqueItems"];

impl<'a> NormalizedSchema<'a> {
    /// Merges the schemas that one value has to meet, all of them.
    pub(super) fn of(document: &'a Document, schemas: &[&'a Value]) -> Result<Self> {
        let mut normalizer = Normalizer { document, open: Vec::new() };
        schemas
            .iter()
            .try_fold(Self::default(), |merged, schema| Ok(merged.and(normalizer.one(schema)?)))
    }

    /// The schema of the values that meet both schemas.
    fn and(mut self, other: NormalizedSchema<'a>) -> Self {
        self.types = both(self.types, other.types, |a, b| &a & &b);
        self.values = both(self.values, other.values, |mut a, b| {
            a.retain(|value| b.contains(value));
            a
        });
        self.formats.extend(other.formats);
        self.patterns.extend(other.patterns);
        for (key, bound) in other.bounds {
            self.bound(key, bound);
        }
        for (name, schemas) in other.properties {
            self.properties.entry(name).or_default().extend(schemas);
        }
        self.required.extend(other.required);
        self.additional.extend(other.additional);
        self.items.extend(other.items);
        self.alternatives.extend(other.alternatives);
        self.default = other.default.or(self.default);
        self.flags.extend(other.flags);
        for (key, values) in other.unknown {
            self.unknown.entry(key).or_default().extend(values);
        }
        self
    }

    /// Adds a bound. Of two, the stricter one counts.
    fn bound(&mut self, key: &'static str, bound: &'a Value) {
        let stricter = BOUNDS.iter().find(|(name, _)| *name == key);
        let old = self.bounds.entry(key).or_insert(bound);
        if stricter.is_some_and(|(_, stricter)| order(bound, old) == *stricter) {
            *old = bound;
        }
    }

    pub(super) fn allows_null(&self) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains("null"))
            && self.alternatives.iter().all(|it| it.null)
    }

    /// Whether it is one list of alternatives and nothing else.
    pub(super) fn has_only_alternatives(&self) -> bool {
        // Every field is listed, so that a new one cannot be forgotten.
        let NormalizedSchema {
            types,
            values,
            formats,
            patterns,
            bounds,
            properties,
            required,
            additional,
            items,
            alternatives,
            default,
            flags,
            unknown,
        } = self;
        alternatives.len() == 1
            && types.is_none()
            && values.is_none()
            && formats.is_empty()
            && patterns.is_empty()
            && bounds.is_empty()
            && properties.is_empty()
            && required.is_empty()
            && additional.is_empty()
            && items.is_empty()
            && default.is_none()
            && flags.is_empty()
            && unknown.is_empty()
    }

    /// A list of values implies the types, and a null in it is expressed as a type.
    fn settle(&mut self) {
        let Some(values) = &mut self.values else {
            return;
        };
        let types = self.types.get_or_insert_with(|| values.iter().map(|it| type_of(it)).collect());
        if types.contains("null") {
            values.retain(|value| !value.is_null());
        }
    }
}

struct Normalizer<'a> {
    document: &'a Document,
    /// The schemas that are being normalized, by their addresses.
    open: Vec<*const Value>,
}

impl<'a> Normalizer<'a> {
    fn one(&mut self, schema: &'a Value) -> Result<NormalizedSchema<'a>> {
        // A schema that contains itself adds nothing to itself.
        let address = std::ptr::from_ref(schema);
        if self.open.contains(&address) {
            return Ok(NormalizedSchema::default());
        }
        self.open.push(address);
        let normalized = match schema {
            Value::Bool(true) => Ok(NormalizedSchema::default()),
            Value::Bool(false) => {
                Ok(NormalizedSchema { types: Some(BTreeSet::new()), ..NormalizedSchema::default() })
            }
            Value::Object(map) => self.object(schema, map),
            _ => Err(self.malformed("a schema", schema)),
        };
        self.open.pop();
        normalized
    }

    fn object(
        &mut self,
        schema: &'a Value,
        map: &'a Map<String, Value>,
    ) -> Result<NormalizedSchema<'a>> {
        let is_3_0 = self.is_3_0();
        let target = match map.get("$ref").is_some_and(Value::is_string) {
            true => self.one(self.document.resolve(schema))?,
            false => NormalizedSchema::default(),
        };
        if is_3_0 && map.contains_key("$ref") {
            return Ok(target);
        }
        let mut normalized = NormalizedSchema::default();
        for (key, value) in map {
            let bad = |what: &str| self.malformed(&format!("`{key}`, {what},"), value);
            if let Some((bound, _)) = BOUNDS.iter().find(|(bound, _)| bound == key)
                && value.is_number()
            {
                // A length or a count is never below 0, so this minimum limits nothing.
                let is_count = !matches!(*bound, "minimum" | "exclusiveMinimum");
                if !(is_count && bound.starts_with("min") && value == 0) {
                    normalized.bounds.insert(bound, value);
                }
                continue;
            }
            if let Some(flag) = FLAGS.iter().find(|flag| *flag == key) {
                if value.as_bool().ok_or_else(|| bad("true or false"))? {
                    normalized.flags.insert(flag);
                }
                continue;
            }
            match key.as_str() {
                "type" => {
                    let types = texts(value).ok_or_else(|| bad("the name of a type or a list"))?;
                    let mut types: BTreeSet<_> = types.into_iter().collect();
                    if types.contains("number") {
                        types.insert("integer");
                    }
                    if is_3_0 && map.get("nullable") == Some(&Value::Bool(true)) {
                        types.insert("null");
                    }
                    normalized.types = Some(types);
                }
                "nullable" if is_3_0 => {}
                "const" => normalized.values = Some(vec![value]),
                "enum" => {
                    let values = value.as_array().ok_or_else(|| bad("a list of values"))?;
                    normalized.values = Some(values.iter().collect());
                }
                "format" => {
                    normalized.formats.insert(value.as_str().ok_or_else(|| bad("a name"))?);
                }
                "pattern" => {
                    normalized.patterns.insert(value.as_str().ok_or_else(|| bad("a pattern"))?);
                }
                "properties" => {
                    let map = value.as_object().ok_or_else(|| bad("a mapping of schemas"))?;
                    let schemas = map.iter().map(|(name, schema)| (name.as_str(), vec![schema]));
                    normalized.properties = schemas.collect();
                }
                "required" => {
                    let names = value.as_array().and_then(|_| texts(value));
                    normalized.required.extend(names.ok_or_else(|| bad("a list of names"))?);
                }
                "additionalProperties" => normalized.additional.push(value),
                "items" => normalized.items.push(value),
                "default" => normalized.default = Some(value),
                "allOf" => {
                    for part in value.as_array().ok_or_else(|| bad("a list of schemas"))? {
                        normalized = normalized.and(self.one(part)?);
                    }
                }
                "anyOf" | "oneOf" => {
                    let branches = value.as_array().ok_or_else(|| bad("a list of schemas"))?;
                    normalized = normalized.and(self.alternatives(key, branches)?);
                }
                text if IGNORED.contains(&text) || text.starts_with("x-") => {}
                _ => normalized.unknown.entry(key).or_default().push(value),
            }
        }
        normalized.settle();
        Ok(target.and(normalized))
    }

    /// Normalizes `anyOf` and `oneOf`. A null becomes a type, a single alternative stands
    /// for itself, and alternatives that are only values become a list of values.
    fn alternatives(
        &mut self,
        keyword: &'a str,
        branches: &'a [Value],
    ) -> Result<NormalizedSchema<'a>> {
        let (nulls, branches): (Vec<_>, Vec<_>) =
            branches.iter().partition(|branch| self.document.resolve(branch)["type"] == "null");
        let null = !nulls.is_empty();
        let mut normalized = match branches[..] {
            [one] => self.one(one)?,
            _ if branches.iter().all(|branch| self.is_value(branch)) => {
                let mut normalized =
                    NormalizedSchema { values: Some(Vec::new()), ..NormalizedSchema::default() };
                for branch in branches {
                    let values = self.one(branch)?.values;
                    normalized.values.get_or_insert_default().extend(values.unwrap_or_default());
                }
                normalized.settle();
                normalized
            }
            _ => {
                let alternatives = Alternatives { keyword, branches, null };
                return Ok(NormalizedSchema {
                    alternatives: vec![alternatives],
                    ..NormalizedSchema::default()
                });
            }
        };
        if let (true, Some(types)) = (null, &mut normalized.types) {
            types.insert("null");
        }
        Ok(normalized)
    }

    /// Whether an alternative is only a value or a list of values.
    fn is_value(&self, branch: &Value) -> bool {
        let branch = self.document.resolve(branch).as_object();
        branch.is_some_and(|branch| {
            let keys = ["const", "enum", "type"];
            (branch.contains_key("const") || branch.contains_key("enum"))
                && branch
                    .keys()
                    .all(|key| keys.contains(&key.as_str()) || IGNORED.contains(&key.as_str()))
        })
    }

    fn is_3_0(&self) -> bool {
        let version = self.document.root()["openapi"].as_str();
        version.is_some_and(|version| version.starts_with("3.0"))
    }

    fn malformed(&self, expected: &str, found: &Value) -> anyhow::Error {
        let name = self.document.name();
        anyhow!("{name}: {expected} is expected, not {}", words::shortened(found))
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn both<T>(a: Option<T>, b: Option<T>, join: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(join(a, b)),
        (a, b) => a.or(b),
    }
}

/// A text or a list of texts, as a list.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Compares two numbers. Whole numbers are compared exactly.
pub(super) fn order(a: &Value, b: &Value) -> Ordering {
    let whole = |value: &Value| {
        let positive = value.as_u64().map(i128::from);
        positive.or_else(|| value.as_i64().map(i128::from))
    };
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
    }
}
