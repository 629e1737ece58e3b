//! A schema with everything it refers to and is put together from folded into
//! one: `$ref` followed, `allOf` merged, the many ways to say "or null" and
//! "one of these values" made one. Two schemas that mean the same are equal.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use figma_payments_openapi::Document;
use serde_json::{Map, Value};

use super::words;

/// A schema that says nothing is `Flat::default()`: everything is allowed.
#[derive(Debug, Clone, Default)]
pub(super) struct Flat<'a> {
    /// The allowed types; `None` is any. A `number` is also an `integer`.
    pub(super) kinds: Option<BTreeSet<&'a str>>,
    /// The allowed values; `None` is any.
    pub(super) values: Option<Vec<&'a Value>>,
    pub(super) formats: BTreeSet<&'a str>,
    pub(super) patterns: BTreeSet<&'a str>,
    pub(super) bounds: BTreeMap<&'static str, &'a Value>,
    /// Each property with the schemas that it has to meet.
    pub(super) properties: BTreeMap<&'a str, Vec<&'a Value>>,
    pub(super) required: BTreeSet<&'a str>,
    /// The schemas that properties without a name of their own have to meet.
    pub(super) others: Vec<&'a Value>,
    pub(super) items: Vec<&'a Value>,
    pub(super) choices: Vec<Choice<'a>>,
    pub(super) default: Option<&'a Value>,
    pub(super) flags: BTreeSet<&'static str>,
    /// Keywords that mean something this tool does not know.
    pub(super) unknown: BTreeMap<&'a str, Vec<&'a Value>>,
}

/// An `anyOf` or `oneOf` that is more than a list of values or a null.
#[derive(Debug, Clone)]
pub(super) struct Choice<'a> {
    pub(super) keyword: &'a str,
    pub(super) branches: Vec<&'a Value>,
    pub(super) null: bool,
}

/// Keywords that say nothing about the wire, and nothing about the API as long
/// as types have their names from the naming table.
const TEXTS: [&str; 7] =
    ["description", "title", "example", "examples", "externalDocs", "$comment", "$ref"];

/// Which way a bound gets tighter.
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

impl<'a> Flat<'a> {
    /// Folds the schemas that one value has to meet, all of them.
    pub(super) fn of(document: &'a Document, schemas: &[&'a Value]) -> Result<Self> {
        let mut folding = Folding { document, open: Vec::new() };
        schemas.iter().try_fold(Flat::default(), |flat, schema| Ok(flat.and(folding.one(schema)?)))
    }

    fn and(mut self, other: Flat<'a>) -> Self {
        self.kinds = both(self.kinds, other.kinds, |a, b| &a & &b);
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
        self.others.extend(other.others);
        self.items.extend(other.items);
        self.choices.extend(other.choices);
        self.default = other.default.or(self.default);
        self.flags.extend(other.flags);
        for (key, values) in other.unknown {
            self.unknown.entry(key).or_default().extend(values);
        }
        self
    }

    /// Of two bounds the tighter one counts.
    fn bound(&mut self, key: &'static str, bound: &'a Value) {
        let tighter = BOUNDS.iter().find(|(name, _)| *name == key);
        let old = self.bounds.entry(key).or_insert(bound);
        if tighter.is_some_and(|(_, tighter)| order(bound, old) == *tighter) {
            *old = bound;
        }
    }

    pub(super) fn allows_null(&self) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains("null"))
            && self.choices.iter().all(|choice| choice.null)
    }

    /// Whether it says nothing beside its one choice.
    pub(super) fn is_mere_choice(&self) -> bool {
        let Flat { kinds, values, formats, patterns, bounds, properties, .. } = self;
        let Flat { required, others, items, choices, default, flags, unknown, .. } = self;
        let plain = kinds.is_none() && values.is_none() && default.is_none();
        let unlimited = formats.is_empty() && patterns.is_empty() && bounds.is_empty();
        let empty = properties.is_empty() && required.is_empty() && others.is_empty();
        let rest = items.is_empty() && flags.is_empty() && unknown.is_empty();
        plain && unlimited && empty && rest && choices.len() == 1
    }
}

struct Folding<'a> {
    document: &'a Document,
    open: Vec<*const Value>,
}

impl<'a> Folding<'a> {
    fn one(&mut self, schema: &'a Value) -> Result<Flat<'a>> {
        // A schema that contains itself asks for nothing twice.
        let address = std::ptr::from_ref(schema);
        if self.open.contains(&address) {
            return Ok(Flat::default());
        }
        self.open.push(address);
        let flat = match schema {
            Value::Bool(true) => Ok(Flat::default()),
            Value::Bool(false) => Ok(Flat { kinds: Some(BTreeSet::new()), ..Flat::default() }),
            Value::Object(map) => self.object(schema, map),
            _ => Err(self.malformed("a schema", schema)),
        };
        self.open.pop();
        flat
    }

    fn object(&mut self, schema: &'a Value, map: &'a Map<String, Value>) -> Result<Flat<'a>> {
        let old_dialect = self.is_3_0();
        let target = match map.get("$ref").is_some_and(Value::is_string) {
            true => self.one(self.document.resolve(schema))?,
            false => Flat::default(),
        };
        if old_dialect && map.contains_key("$ref") {
            return Ok(target);
        }
        let mut flat = Flat::default();
        for (key, value) in map {
            let bad = |what: &str| self.malformed(&format!("`{key}`, {what},"), value);
            if let Some((bound, _)) = BOUNDS.iter().find(|(bound, _)| bound == key)
                && value.is_number()
            {
                // "At least none" says nothing of a length or a count.
                let of_count = !matches!(*bound, "minimum" | "exclusiveMinimum");
                if !(of_count && bound.starts_with("min") && value == 0) {
                    flat.bounds.insert(bound, value);
                }
                continue;
            }
            if let Some(flag) = FLAGS.iter().find(|flag| *flag == key) {
                if value.as_bool().ok_or_else(|| bad("true or false"))? {
                    flat.flags.insert(flag);
                }
                continue;
            }
            match key.as_str() {
                "type" => {
                    let kinds = texts(value).ok_or_else(|| bad("the name of a type or a list"))?;
                    let mut kinds: BTreeSet<_> = kinds.into_iter().collect();
                    if kinds.contains("number") {
                        kinds.insert("integer");
                    }
                    if old_dialect && map.get("nullable") == Some(&Value::Bool(true)) {
                        kinds.insert("null");
                    }
                    flat.kinds = Some(kinds);
                }
                "nullable" if old_dialect => {}
                "const" => flat.values = Some(vec![value]),
                "enum" => {
                    let values = value.as_array().ok_or_else(|| bad("a list of values"))?;
                    flat.values = Some(values.iter().collect());
                }
                "format" => {
                    flat.formats.insert(value.as_str().ok_or_else(|| bad("a name"))?);
                }
                "pattern" => {
                    flat.patterns.insert(value.as_str().ok_or_else(|| bad("a pattern"))?);
                }
                "properties" => {
                    let map = value.as_object().ok_or_else(|| bad("a mapping of schemas"))?;
                    let schemas = map.iter().map(|(name, schema)| (name.as_str(), vec![schema]));
                    flat.properties = schemas.collect();
                }
                "required" => {
                    let names = value.as_array().and_then(|_| texts(value));
                    flat.required.extend(names.ok_or_else(|| bad("a list of names"))?);
                }
                "additionalProperties" => flat.others.push(value),
                "items" => flat.items.push(value),
                "default" => flat.default = Some(value),
                "allOf" => {
                    for part in value.as_array().ok_or_else(|| bad("a list of schemas"))? {
                        flat = flat.and(self.one(part)?);
                    }
                }
                "anyOf" | "oneOf" => {
                    let branches = value.as_array().ok_or_else(|| bad("a list of schemas"))?;
                    flat = flat.and(self.choice(key, branches)?);
                }
                text if TEXTS.contains(&text) || text.starts_with("x-") => {}
                _ => flat.unknown.entry(key).or_default().push(value),
            }
        }
        flat.settle();
        Ok(target.and(flat))
    }

    /// `anyOf` and `oneOf`: with a null, of one, of single values, or of more.
    fn choice(&mut self, keyword: &'a str, branches: &'a [Value]) -> Result<Flat<'a>> {
        let (nulls, branches): (Vec<_>, Vec<_>) =
            branches.iter().partition(|branch| self.document.resolve(branch)["type"] == "null");
        let null = !nulls.is_empty();
        let mut flat = match branches[..] {
            [one] => self.one(one)?,
            _ if branches.iter().all(|branch| self.is_value(branch)) => {
                let mut flat = Flat { values: Some(Vec::new()), ..Flat::default() };
                for branch in branches {
                    let values = self.one(branch)?.values;
                    flat.values.get_or_insert_default().extend(values.unwrap_or_default());
                }
                flat.settle();
                flat
            }
            _ => {
                let choice = Choice { keyword, branches, null };
                return Ok(Flat { choices: vec![choice], ..Flat::default() });
            }
        };
        if let (true, Some(kinds)) = (null, &mut flat.kinds) {
            kinds.insert("null");
        }
        Ok(flat)
    }

    /// Whether a branch only says which value is meant.
    fn is_value(&self, branch: &Value) -> bool {
        let branch = self.document.resolve(branch).as_object();
        branch.is_some_and(|branch| {
            let keys = ["const", "enum", "type"];
            (branch.contains_key("const") || branch.contains_key("enum"))
                && branch
                    .keys()
                    .all(|key| keys.contains(&key.as_str()) || TEXTS.contains(&key.as_str()))
        })
    }

    fn is_3_0(&self) -> bool {
        let version = self.document.root()["openapi"].as_str();
        version.is_some_and(|version| version.starts_with("3.0"))
    }

    fn malformed(&self, expected: &str, found: &Value) -> anyhow::Error {
        let name = self.document.name();
        anyhow!("{name}: {expected} is expected where {} stands", words::shortened(found))
    }
}

impl Flat<'_> {
    /// A list of values says its types too; a null in it is said by the type.
    fn settle(&mut self) {
        let Some(values) = &mut self.values else {
            return;
        };
        let kinds = self.kinds.get_or_insert_with(|| values.iter().map(|it| kind(it)).collect());
        if kinds.contains("null") {
            values.retain(|value| !value.is_null());
        }
    }
}

fn kind(value: &Value) -> &'static str {
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

/// A text or a list of texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// How two numbers compare, without losing digits of whole ones.
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
