//! Lowers the document: the operation, its parameters, its response, and the schemas
//! that they refer to.

use serde_json::{Map, Value, json};

use super::input::{Input, members};
use super::keywords;
use crate::document::reference;
use crate::error::{Error, Result};
use crate::operation::{ID, METHOD, METHOD_KEY, PATH, POINTER};
use crate::pointer;

const SCHEMAS: &str = "/components/schemas";
const JSON: &str = "application/json";

/// Kept although no lowered response refers to it: a test server that is built with
/// the bindings answers with this type.
const ERROR_MODEL: &str = "ErrorResponsePayload";

impl Input<'_> {
    /// The whole document as OpenAPI 3.0.
    pub(super) fn lowered(self) -> Result<Value> {
        let root = self.root();
        let version = root["openapi"].as_str().unwrap_or_default();
        if !version.starts_with("3.1.") && !self.is_3_0() {
            return Err(
                self.refuse("/openapi", format!("is `{version}`; OpenAPI 3.0 or 3.1 is expected"))
            );
        }
        self.check_keys("", root, &keywords::DOCUMENT)?;
        self.check_keys("/components", self.at("/components")?, &keywords::COMPONENTS)?;
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
            "paths": { PATH: { METHOD_KEY: operation } },
            "components": { "schemas": schemas },
        }))
    }

    /// The client always sends the token in the header X-Figma-Token. A document that
    /// requires something else is refused.
    fn security(self) -> Result<()> {
        let place = format!("{POINTER}/security");
        let required = self.at(POINTER)?.get("security");
        let required = required.or_else(|| self.root().get("security"));
        if required != Some(&json!([{ "PersonalAccessToken": [] }])) {
            return Err(self.refuse(
                &place,
                "has to be exactly PersonalAccessToken, because the client sends nothing else",
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
                "has to be an apiKey in the header X-Figma-Token, because the client sends nothing else",
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
                    format!(
                        "is a path that the bindings do not cover; keep only `{METHOD} {PATH}`"
                    ),
                ));
            }
            self.check_keys(&place, item, &keywords::PATH_ITEM)?;
        }
        let operation = self.at(POINTER)?;
        self.check_keys(POINTER, operation, &keywords::OPERATION)?;
        if operation["operationId"] != ID {
            return Err(self.refuse(
                &format!("{POINTER}/operationId"),
                format!("has to be `{ID}`, because the generated method is named after it"),
            ));
        }
        let count = operation["parameters"].as_array().map_or(0, Vec::len);
        let parameters = (0..count)
            .map(|index| self.parameter(&format!("{POINTER}/parameters/{index}")))
            .collect::<Result<Value>>()?;
        Ok(without_null(json!({
            "operationId": ID,
            "summary": operation["summary"],
            "description": operation["description"],
            "parameters": parameters,
            "responses": { "200": self.success_response(operation)? },
        })))
    }

    fn parameter(self, place: &str) -> Result<Value> {
        let (place, parameter) = self.follow(place)?;
        self.check_keys(&place, parameter, &keywords::PARAMETER)?;
        for (key, default, supported) in [
            ("in", Value::Null, json!("query")),
            ("style", json!("form"), json!("form")),
            ("explode", json!(true), json!(true)),
        ] {
            let found = parameter.get(key).unwrap_or(&default);
            if *found != supported {
                return Err(self.refuse(
                    &pointer::join(&place, key),
                    format!("is {found}; the bindings only support {supported}"),
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

    fn success_response(self, operation: &Value) -> Result<Value> {
        let responses = format!("{POINTER}/responses");
        for (status, _) in members(&operation["responses"]) {
            let failure = status.starts_with(['4', '5']);
            if status != "200" && !failure && !status.starts_with("x-") {
                return Err(self.refuse(
                    &pointer::join(&responses, status),
                    "is a response that the client does not expect; it expects 200, 4xx and 5xx",
                ));
            }
        }
        let (place, response) = self.follow(&format!("{responses}/200"))?;
        self.check_keys(&place, response, &keywords::RESPONSE)?;
        let content = format!("{place}/content");
        for (media_type, _) in members(self.at(&content)?) {
            if media_type != JSON {
                return Err(self.refuse(
                    &pointer::join(&content, media_type),
                    format!("is a media type that the client does not read; it reads {JSON}"),
                ));
            }
        }
        let place = pointer::join(&content, JSON);
        self.check_keys(&place, self.at(&place)?, &keywords::MEDIA_TYPE)?;
        Ok(json!({
            "description": response["description"].as_str().unwrap_or_default(),
            "content": { JSON: { "schema": self.schema(&format!("{place}/schema"))? } },
        }))
    }

    /// The schemas that the lowered operation refers to, directly or not, and the error
    /// model.
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
                    self.name(),
                    format!(
                        "`$ref: {target}` does not name a component schema; use `#{SCHEMAS}/Name`"
                    ),
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
