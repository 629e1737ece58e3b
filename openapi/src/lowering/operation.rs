//! The operation, its parameters and its answer.

use serde_json::{Map, Value, json};

use super::keywords::{self, Rule};
use crate::document::reference;
use crate::{Document, Error, Result, pointer};

const PATH: &str = "/v1/payments";
const OPERATION_ID: &str = "getPayments";
const OPERATION: &str = "/paths/~1v1~1payments/get";
const SCHEMAS: &str = "/components/schemas";
const JSON: &str = "application/json";

/// Kept although no lowered answer refers to it: servers made with the
/// bindings answer with it.
const ERROR_MODEL: &str = "ErrorResponsePayload";

#[derive(Clone, Copy)]
pub(super) struct Lowering<'a> {
    document: &'a Document,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Lowering { document }
    }

    pub(super) fn document(self) -> Result<Value> {
        let root = self.document.root();
        let version = root["openapi"].as_str().unwrap_or_default();
        if !version.starts_with("3.1.") && !self.is_3_0() {
            return Err(self.refuse(
                "/openapi",
                format!("is `{version}`; OpenAPI 3.0 and 3.1 are understood"),
            ));
        }
        self.keys("", root, &keywords::DOCUMENT)?;
        self.keys("/components", self.at("/components")?, &keywords::COMPONENTS)?;
        self.security()?;

        let info = &root["info"];
        let operation = self.operation()?;
        let schemas = self.schemas(&operation)?;
        Ok(json!({
            "openapi": "3.0.3",
            "info": without_null(json!({
                "title": info["title"],
                "version": info["version"],
                "description": info["description"],
            })),
            "paths": { PATH: { "get": operation } },
            "components": { "schemas": schemas },
        }))
    }

    /// The client sends one header, whatever a document asks for.
    fn security(self) -> Result<()> {
        let place = format!("{OPERATION}/security");
        let required = self.at(OPERATION)?.get("security");
        let required = required.or_else(|| self.document.root().get("security"));
        if required != Some(&json!([{ "PersonalAccessToken": [] }])) {
            return Err(self.refuse(
                &place,
                "has to be exactly PersonalAccessToken; the client sends nothing else",
            ));
        }
        let place = "/components/securitySchemes/PersonalAccessToken";
        let (place, scheme) = self.follow(place)?;
        let header = scheme["name"].as_str().unwrap_or_default();
        let right = scheme["type"] == "apiKey"
            && scheme["in"] == "header"
            && header.eq_ignore_ascii_case("X-Figma-Token");
        if !right {
            return Err(self.refuse(
                &place,
                "has to be an apiKey in the header X-Figma-Token; the client sends nothing else",
            ));
        }
        Ok(())
    }

    fn operation(self) -> Result<Value> {
        for (path, item) in members(self.at("/paths")?) {
            let place = pointer::join("/paths", path);
            if path != PATH {
                return Err(self.refuse(
                    &place,
                    "is more than the bindings are for; slice the document down to `GET /v1/payments`",
                ));
            }
            self.keys(&place, item, &keywords::PATH_ITEM)?;
        }
        let operation = self.at(OPERATION)?;
        self.keys(OPERATION, operation, &keywords::OPERATION)?;
        if operation["operationId"] != OPERATION_ID {
            return Err(self.refuse(
                &format!("{OPERATION}/operationId"),
                format!("has to be `{OPERATION_ID}`; the method is named after it"),
            ));
        }
        let count = operation["parameters"].as_array().map_or(0, Vec::len);
        let parameters = (0..count)
            .map(|index| self.parameter(&format!("{OPERATION}/parameters/{index}")))
            .collect::<Result<Value>>()?;
        Ok(without_null(json!({
            "operationId": OPERATION_ID,
            "summary": operation["summary"],
            "description": operation["description"],
            "parameters": parameters,
            "responses": { "200": self.success(operation)? },
        })))
    }

    fn parameter(self, place: &str) -> Result<Value> {
        let (place, parameter) = self.follow(place)?;
        self.keys(&place, parameter, &keywords::PARAMETER)?;
        for (key, default, written) in [
            ("in", Value::Null, json!("query")),
            ("style", json!("form"), json!("form")),
            ("explode", json!(true), json!(true)),
        ] {
            let found = parameter.get(key).unwrap_or(&default);
            if *found != written {
                return Err(self.refuse(
                    &pointer::join(&place, key),
                    format!("is {found}; the bindings write {written}"),
                ));
            }
        }
        Ok(without_null(json!({
            "name": parameter["name"],
            "in": "query",
            "description": parameter["description"],
            "required": parameter["required"],
            "schema": self.schema(&format!("{place}/schema"))?,
        })))
    }

    fn success(self, operation: &Value) -> Result<Value> {
        let responses = format!("{OPERATION}/responses");
        for (status, _) in members(&operation["responses"]) {
            let failure = status.starts_with(['4', '5']);
            if status != "200" && !failure && !status.starts_with("x-") {
                return Err(self.refuse(
                    &pointer::join(&responses, status),
                    "is an answer that the client does not expect; 200, 4xx and 5xx are",
                ));
            }
        }
        let (place, response) = self.follow(&format!("{responses}/200"))?;
        self.keys(&place, response, &keywords::RESPONSE)?;
        let content = format!("{place}/content");
        for (media_type, _) in members(self.at(&content)?) {
            if media_type != JSON {
                return Err(self.refuse(
                    &pointer::join(&content, media_type),
                    format!("is a media type that the client does not read; {JSON} is"),
                ));
            }
        }
        let place = pointer::join(&content, JSON);
        self.keys(&place, self.at(&place)?, &keywords::MEDIA_TYPE)?;
        Ok(json!({
            "description": response["description"].as_str().unwrap_or_default(),
            "content": { JSON: { "schema": self.schema(&format!("{place}/schema"))? } },
        }))
    }

    /// The schemas that the lowered operation reaches, and the error model.
    fn schemas(self, operation: &Value) -> Result<Map<String, Value>> {
        let mut lowered = Map::new();
        let mut wanted = vec![format!("#{SCHEMAS}/{ERROR_MODEL}")];
        collect_references(operation, &mut wanted);
        while let Some(target) = wanted.pop() {
            let name = target
                .strip_prefix('#')
                .and_then(|place| place.strip_prefix(SCHEMAS)?.strip_prefix('/'))
                .filter(|name| !name.contains(['/', '~', '%']));
            let Some(name) = name else {
                return Err(Error::new(
                    self.document.name(),
                    format!("`$ref: {target}` has no name for a type; refer to `#{SCHEMAS}/Name`"),
                ));
            };
            if !lowered.contains_key(name) {
                let schema = self.schema(&format!("{SCHEMAS}/{name}"))?;
                collect_references(&schema, &mut wanted);
                lowered.insert(name.to_owned(), schema);
            }
        }
        lowered.sort_keys();
        Ok(lowered)
    }

    pub(super) fn is_3_0(self) -> bool {
        let version = self.document.root()["openapi"].as_str();
        version.is_some_and(|version| version.starts_with("3.0."))
    }

    pub(super) fn at(self, place: &str) -> Result<&'a Value> {
        let found = self.document.root().pointer(place);
        found.ok_or_else(|| self.refuse(place, "is missing"))
    }

    /// The place and value that a reference at `place`, if any, leads to.
    fn follow(self, place: &str) -> Result<(String, &'a Value)> {
        let mut place = place.to_owned();
        let mut value = self.at(&place)?;
        while let Some(target) = reference(value) {
            let siblings = members(value)
                .any(|(key, _)| !matches!(key.as_str(), "$ref" | "summary" | "description"));
            if siblings {
                return Err(self.refuse(&place, "has keys beside `$ref` that have no effect"));
            }
            let next = pointer::of_reference(target);
            place = next.ok_or_else(|| self.refuse(&place, "leads nowhere"))?;
            value = self.at(&place)?;
        }
        Ok((place, value))
    }

    pub(super) fn keys(self, place: &str, value: &Value, rule: &Rule) -> Result<()> {
        let Some(map) = value.as_object() else {
            return Err(self.refuse(place, format!("is not a mapping; {} is expected", rule.what)));
        };
        match map.iter().find(|(key, value)| !rule.knows(key, value)) {
            Some((key, _)) => Err(self.refuse(
                &pointer::join(place, key),
                format!(
                    "is a key of {} that the bindings cannot express; {}",
                    rule.what,
                    rule.hint(key)
                ),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn refuse(self, place: &str, message: impl Into<String>) -> Error {
        self.document.error(place, message)
    }
}

pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn without_null(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    value
}

fn collect_references(value: &Value, into: &mut Vec<String>) {
    if let Some(target) = reference(value) {
        into.push(target.to_owned());
    }
    match value {
        Value::Object(map) => map.values().for_each(|child| collect_references(child, into)),
        Value::Array(items) => items.iter().for_each(|child| collect_references(child, into)),
        _ => {}
    }
}
