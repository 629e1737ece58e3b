//! Lowers schemas: JSON Schema 2020-12 to the dialect of OpenAPI 3.0.

use serde_json::{Map, Value, json};

use super::input::{Input, members};
use super::keywords;
use crate::error::Result;
use crate::pointer;

/// The only schemas that may limit a number or a boolean to one value. The generator
/// ignores such a limit or makes a float of the number; for these the client checks the
/// value itself.
const CHECKED_BY_THE_CLIENT: [&str; 3] = [
    "/components/schemas/StatusNumber",
    "/components/schemas/GetPaymentsResponseBody/properties/error",
    "/components/schemas/ErrorResponsePayload/properties/error",
];

impl Input<'_> {
    /// Lowers the schema at `place`.
    pub(super) fn schema(self, place: &str) -> Result<Value> {
        let schema = self.at(place)?;
        if *schema == Value::Bool(true) {
            return Ok(json!({}));
        }
        self.check_keys(place, schema, &keywords::SCHEMA)?;
        if schema.get("nullable").is_some() && !self.is_3_0() {
            return Err(self.refuse(
                &pointer::join(place, "nullable"),
                "has no meaning in OpenAPI 3.1; use `type: [T, \"null\"]` instead",
            ));
        }
        let mut nullable = schema["nullable"] == true;

        let mut lowered = Map::new();
        for key in ["description", "default"] {
            if let Some(value) = schema.get(key) {
                lowered.insert(key.to_owned(), value.clone());
            }
        }
        self.composition(place, schema, &mut lowered, &mut nullable)?;
        self.types(place, schema, &mut lowered, &mut nullable)?;
        self.values(place, schema, &mut lowered)?;
        self.members(place, schema, &mut lowered)?;
        self.reference(schema, &mut lowered, nullable);
        if nullable {
            lowered.insert("nullable".to_owned(), Value::Bool(true));
        }
        Ok(Value::Object(lowered))
    }

    /// Lowers `type` and `format`. `type: [T, "null"]` becomes T with `nullable`.
    fn types(
        self,
        place: &str,
        schema: &Value,
        lowered: &mut Map<String, Value>,
        nullable: &mut bool,
    ) -> Result<()> {
        let at = pointer::join(place, "type");
        let kinds: Vec<&str> = match schema.get("type") {
            None => match implied_type(schema) {
                Some(kind) => vec![kind],
                None => return self.format(place, schema, None),
            },
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) if kinds.iter().all(Value::is_string) => {
                kinds.iter().filter_map(Value::as_str).collect()
            }
            Some(other) => {
                return Err(self.refuse(&at, format!("is {other}; the name of a type is expected")));
            }
        };
        *nullable |= kinds.contains(&"null");
        let kinds: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "null").collect();
        let [kind] = kinds[..] else {
            return Err(self.refuse(
                &at,
                "has to be one type, or one type and \"null\"; use `anyOf` for more",
            ));
        };
        if !matches!(kind, "string" | "integer" | "boolean" | "object" | "array") {
            return Err(self.refuse(
                &at,
                format!(
                    "is `{kind}`, which the bindings do not support; use string, integer, boolean, object or array"
                ),
            ));
        }
        lowered.insert("type".to_owned(), json!(kind));
        if let Some(format @ ("int32" | "int64")) = schema["format"].as_str() {
            lowered.insert("format".to_owned(), json!(format));
        }
        self.format(place, schema, Some(kind))
    }

    fn format(self, place: &str, schema: &Value, kind: Option<&str>) -> Result<()> {
        match (kind, schema.get("format").map(|format| format.as_str())) {
            (_, None) | (Some("integer"), Some(Some("int32" | "int64"))) => Ok(()),
            // Dates stay text: a date that cannot be parsed must not make a response
            // unreadable.
            (Some("string"), Some(Some("date-time"))) => Ok(()),
            _ => Err(self.refuse(
                &pointer::join(place, "format"),
                "would change the type in the bindings; date-time, int32 and int64 are supported",
            )),
        }
    }

    /// Lowers `enum` and `const`.
    fn values(self, place: &str, schema: &Value, lowered: &mut Map<String, Value>) -> Result<()> {
        let (at, values) = match (schema.get("enum"), schema.get("const")) {
            (None, None) => return Ok(()),
            (Some(_), Some(_)) => {
                return Err(self.refuse(place, "has both `enum` and `const`; use one of them"));
            }
            (Some(Value::Array(values)), None) => {
                (pointer::join(place, "enum"), values.iter().collect())
            }
            (Some(_), None) => {
                return Err(self.refuse(&pointer::join(place, "enum"), "is not a list"));
            }
            (None, Some(value)) => (pointer::join(place, "const"), vec![value]),
        };
        // `types` has already turned a null into `nullable`.
        let nullable =
            schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!("null")))
                || schema["nullable"] == true;
        let values: Vec<&Value> =
            values.into_iter().filter(|value: &&Value| !(nullable && value.is_null())).collect();
        if lowered.get("type") == Some(&json!("string")) && values.iter().all(|v| v.is_string()) {
            lowered.insert("enum".to_owned(), json!(values));
            return Ok(());
        }
        match CHECKED_BY_THE_CLIENT.contains(&place) && values.len() == 1 {
            true => Ok(()),
            false => Err(self.refuse(
                &at,
                "has values that are not text, which the generator ignores or turns into floats; use text",
            )),
        }
    }

    /// Lowers `properties`, `required`, `additionalProperties` and `items`.
    fn members(self, place: &str, schema: &Value, lowered: &mut Map<String, Value>) -> Result<()> {
        if let Some(properties) = schema.get("properties") {
            let at = pointer::join(place, "properties");
            let properties = members(properties)
                .map(|(name, _)| Ok((name.clone(), self.schema(&pointer::join(&at, name))?)))
                .collect::<Result<Map<_, _>>>()?;
            lowered.insert("properties".to_owned(), Value::Object(properties));
        }
        if let Some(required) = schema.get("required") {
            lowered.insert("required".to_owned(), required.clone());
        }
        match schema.get("additionalProperties") {
            None | Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                return Err(self.refuse(
                    &pointer::join(place, "additionalProperties"),
                    "forbids unknown fields; remove it, because a field that Figma adds must not make a response unreadable",
                ));
            }
            Some(_) => {
                let lower = self.schema(&pointer::join(place, "additionalProperties"))?;
                lowered.insert("additionalProperties".to_owned(), lower);
            }
        }
        if schema.get("items").is_some() {
            let lower = self.schema(&pointer::join(place, "items"))?;
            lowered.insert("items".to_owned(), lower);
        } else if lowered.get("type") == Some(&json!("array")) {
            return Err(self.refuse(place, "is an array without `items`"));
        }
        Ok(())
    }

    /// Lowers `allOf`, `anyOf` and `oneOf`. A `null` among the alternatives becomes
    /// `nullable`.
    fn composition(
        self,
        place: &str,
        schema: &Value,
        lowered: &mut Map<String, Value>,
        nullable: &mut bool,
    ) -> Result<()> {
        for key in ["allOf", "anyOf", "oneOf"] {
            let Some(schemas) = schema.get(key) else {
                continue;
            };
            let at = pointer::join(place, key);
            let Some(schemas) = schemas.as_array() else {
                return Err(self.refuse(&at, "is not a list of schemas"));
            };
            let is_null = |schema: &Value| *schema == json!({ "type": "null" });
            let several = key != "allOf";
            let lower = (0..schemas.len())
                .filter(|index| !(several && is_null(&schemas[*index])))
                .map(|index| self.schema(&pointer::join(&at, &index.to_string())))
                .collect::<Result<Vec<_>>>()?;
            *nullable |= lower.len() < schemas.len();
            let key = match lower.len() {
                1 => "allOf",
                _ => key,
            };
            if lower.is_empty() || lowered.insert(key.to_owned(), Value::Array(lower)).is_some() {
                return Err(self.refuse(&at, "has no alternative that a Rust type can be made of"));
            }
        }
        Ok(())
    }

    /// Lowers `$ref`. OpenAPI 3.0 ignores other keys next to it, so with other keys it
    /// moves into an `allOf`.
    fn reference(self, schema: &Value, lowered: &mut Map<String, Value>, nullable: bool) {
        let Some(target) = schema.get("$ref") else {
            return;
        };
        // A description next to a `$ref` is not worth a type of its own.
        let alone = !nullable && lowered.keys().all(|key| key == "description");
        if alone {
            lowered.clear();
            lowered.insert("$ref".to_owned(), target.clone());
            return;
        }
        let target = json!({ "$ref": target });
        match lowered.get_mut("allOf").and_then(Value::as_array_mut) {
            Some(parts) => parts.insert(0, target),
            None => {
                lowered.insert("allOf".to_owned(), json!([target]));
            }
        }
    }
}

/// The type of a schema that has no `type` but lists text values.
fn implied_type(schema: &Value) -> Option<&'static str> {
    let all_text = |values: &Vec<Value>| values.iter().all(Value::is_string);
    let listed = schema["enum"].as_array().is_some_and(all_text);
    (listed || schema["const"].is_string()).then_some("string")
}
