//! Schemas: JSON Schema 2020-12 to the dialect of OpenAPI 3.0.

use serde_json::{Map, Value, json};

use super::keywords;
use super::operation::{Lowering, members};
use crate::{Result, pointer};

/// Constants of a number or boolean, which the generator ignores or turns into
/// floats: the client checks these itself. Any other is refused.
const CHECKED_BY_THE_CLIENT: [&str; 3] = [
    "/components/schemas/StatusNumber",
    "/components/schemas/GetPaymentsResponseBody/properties/error",
    "/components/schemas/ErrorResponsePayload/properties/error",
];

impl Lowering<'_> {
    /// Lowers the schema at `place`.
    pub(super) fn schema(self, place: &str) -> Result<Value> {
        let schema = self.at(place)?;
        if *schema == Value::Bool(true) {
            return Ok(json!({}));
        }
        self.keys(place, schema, &keywords::SCHEMA)?;
        if schema.get("nullable").is_some() && !self.is_3_0() {
            return Err(self.refuse(
                &pointer::join(place, "nullable"),
                "has no meaning in OpenAPI 3.1; use `type: [T, \"null\"]`",
            ));
        }
        let mut nullable = schema["nullable"] == true;

        let mut lowered = Map::new();
        for key in ["description", "default"] {
            if let Some(value) = schema.get(key) {
                lowered.insert(key.to_owned(), value.clone());
            }
        }
        self.alternatives(place, schema, &mut lowered, &mut nullable)?;
        self.kind(place, schema, &mut lowered, &mut nullable)?;
        self.values(place, schema, &mut lowered)?;
        self.members(place, schema, &mut lowered)?;
        self.reference(schema, &mut lowered, nullable);
        if nullable {
            lowered.insert("nullable".to_owned(), Value::Bool(true));
        }
        Ok(Value::Object(lowered))
    }

    /// `type`, with `[T, "null"]` as T or null, and `format`.
    fn kind(
        self,
        place: &str,
        schema: &Value,
        lowered: &mut Map<String, Value>,
        nullable: &mut bool,
    ) -> Result<()> {
        let at = pointer::join(place, "type");
        let kinds: Vec<&str> = match schema.get("type") {
            None => match implied_kind(schema) {
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
                "has to be one type, or one type and \"null\"; use `anyOf` for several",
            ));
        };
        if !matches!(kind, "string" | "integer" | "boolean" | "object" | "array") {
            return Err(self.refuse(
                &at,
                format!(
                    "is `{kind}`, which the bindings cannot carry without loss; string, integer, boolean, object and array can be"
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
            // Dates stay text: one odd date must not lose a paid answer.
            (Some("string"), Some(Some("date-time"))) => Ok(()),
            _ => Err(self.refuse(
                &pointer::join(place, "format"),
                "is one that would change the type in the bindings; date-time, int32 and int64 are known",
            )),
        }
    }

    /// `enum` and `const`.
    fn values(self, place: &str, schema: &Value, lowered: &mut Map<String, Value>) -> Result<()> {
        let (at, values) = match (schema.get("enum"), schema.get("const")) {
            (None, None) => return Ok(()),
            (Some(_), Some(_)) => {
                return Err(
                    self.refuse(place, "has both `enum` and `const`; one of them is enough")
                );
            }
            (Some(Value::Array(values)), None) => {
                (pointer::join(place, "enum"), values.iter().collect())
            }
            (Some(_), None) => {
                return Err(self.refuse(&pointer::join(place, "enum"), "is not a list"));
            }
            (None, Some(value)) => (pointer::join(place, "const"), vec![value]),
        };
        // Null is said by `nullable`, which was set from the type.
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
                "lists values that are not text, which the generator ignores or turns into floats; use text",
            )),
        }
    }

    /// `properties`, `required`, `additionalProperties`, `items`.
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
                    "forbids unknown fields; a field that Figma adds must not make an answer unreadable",
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

    /// `allOf`, `anyOf`, `oneOf`; `null` among the alternatives as nullable.
    fn alternatives(
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
                return Err(self.refuse(&at, "leaves nothing that a type could be made of"));
            }
        }
        Ok(())
    }

    /// `$ref`; 3.0 ignores what stands beside it, so it moves into an `allOf`.
    fn reference(self, schema: &Value, lowered: &mut Map<String, Value>, nullable: bool) {
        let Some(target) = schema.get("$ref") else {
            return;
        };
        // A description beside a reference is a comment on the place.
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

/// The type of a schema that only lists texts.
fn implied_kind(schema: &Value) -> Option<&'static str> {
    let all_text = |values: &Vec<Value>| values.iter().all(Value::is_string);
    let listed = schema["enum"].as_array().is_some_and(all_text);
    (listed || schema["const"].is_string()).then_some("string")
}
