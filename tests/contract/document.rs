//! The corrected document as a judge of values, requests and answers.

use figma_payments_openapi::{Document, corrected};
use jsonschema::Validator;
use reqwest::Url;
use serde_json::{Value, json};

const OPERATION: &str = "/paths/~1v1~1payments/get";

/// What the client may send beside its credential.
const HEADERS: [&str; 3] = ["accept", "host", "user-agent"];

/// The sets of parameters that make a question. OpenAPI 3.1 cannot say that.
const WAYS: [&[&str]; 4] = [
    &["plugin_payment_token"],
    &["plugin_id", "user_id"],
    &["user_id", "widget_id"],
    &["community_file_id", "user_id"],
];

pub struct Judge {
    document: Document,
}

impl Judge {
    pub fn new() -> Self {
        Judge { document: corrected().unwrap().document }
    }

    pub fn root(&self) -> &Value {
        self.document.root()
    }

    /// The schema `#/components/schemas/{name}`, with formats asserted.
    pub fn schema(&self, name: &str) -> Validator {
        self.at(&format!("/components/schemas/{name}"))
    }

    fn at(&self, pointer: &str) -> Validator {
        assert!(self.root().pointer(pointer).is_some(), "{pointer}");
        let components = &self.root()["components"];
        let paths = &self.root()["paths"];
        validator(
            &json!({ "$ref": format!("#{pointer}"), "components": components, "paths": paths }),
        )
    }

    /// What is wrong with a request of the client; nothing if it is in order.
    pub fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        token: &str,
    ) -> Result<(), String> {
        let url = Url::parse(&format!("http://localhost{target}")).map_err(|e| e.to_string())?;
        if method != "GET" || url.path() != "/v1/payments" {
            return Err(format!("{method} {} is not the operation", url.path()));
        }
        let parameters = self.root().pointer(&format!("{OPERATION}/parameters")).unwrap();
        let parameters: Vec<&Value> =
            parameters.as_array().unwrap().iter().map(|it| self.document.resolve(it)).collect();
        let mut asked = Vec::new();
        for (name, value) in url.query_pairs() {
            let parameter = parameters.iter().find(|it| it["name"] == *name && it["in"] == "query");
            let parameter = parameter.ok_or_else(|| format!("{name} is no parameter"))?;
            let schema = validator(&parameter["schema"]);
            schema.validate(&json!(value)).map_err(|error| format!("{name}: {error}"))?;
            asked.push(name.into_owned());
        }
        asked.sort();
        if !WAYS.iter().any(|way| way == &asked) {
            return Err(format!("{asked:?} is not one way to ask"));
        }
        let scheme = &self.root()["components"]["securitySchemes"]["PersonalAccessToken"];
        let credential = scheme["name"].as_str().unwrap().to_ascii_lowercase();
        for (name, value) in headers {
            match *name == credential {
                true if value != token => return Err(format!("{name} is not the access token")),
                false if !HEADERS.contains(&name.as_str()) => {
                    return Err(format!("the header {name} is not documented"));
                }
                false if value.contains(token) => return Err(format!("{name} has the token too")),
                _ => {}
            }
        }
        match headers.iter().filter(|(name, _)| *name == credential).count() {
            1 => Ok(()),
            count => Err(format!("{credential} is sent {count} times")),
        }
    }

    /// What is wrong with an answer; nothing if it is a documented one.
    pub fn answer(&self, status: u16, content_type: &str, body: &str) -> Result<(), String> {
        let place = format!("{OPERATION}/responses/{status}");
        let Some(response) = self.root().pointer(&place) else {
            return Err(format!("{status} is not documented"));
        };
        let response = self.document.resolve(response);
        let media_type = content_type.split(';').next().unwrap_or_default();
        let Some(content) = response["content"].get(media_type) else {
            return Err(format!("{media_type} is not documented for {status}"));
        };
        let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let mut schema = content["schema"].clone();
        schema["components"] = self.root()["components"].clone();
        validator(&schema).validate(&body).map_err(|error| format!("{body}: {error}"))?;
        match body["status"].as_f64() == Some(f64::from(status)) {
            true => Ok(()),
            false => Err(format!("the body says {} under {status}", body["status"])),
        }
    }
}

/// JSON Schema 2020-12, as OpenAPI 3.1 has it, with formats asserted.
pub fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    options.should_validate_formats(true).build(schema).unwrap()
}
