//! Corrections of the request.

use serde_json::{Value, json};

use super::correction::{Correction, Evidence, Outcome};
use super::draft::Draft;
use crate::error::Result;
use crate::operation;

const IDS: [&str; 4] = ["user_id", "community_file_id", "plugin_id", "widget_id"];

pub(super) const IDS_AS_TEXT: Correction = Correction {
    id: "ids-as-text",
    reason: "A real plugin id, 1678669904810665842, is above 2^53. Read as a number it becomes a float, loses digits and names another plugin.",
    evidence: &[
        Evidence {
            source: "npm @figma/rest-api-spec 0.28.0 to 0.43.0",
            says: "the four ids in the query are strings (changed on 2025-04-17)",
        },
        Evidence {
            source: "Figma's reference of GET /v1/payments, read 2025-06-27",
            says: "the four ids in the query are strings",
        },
    ],
    apply: ids_as_text,
};

fn ids_as_text(draft: &mut Draft<'_>) -> Result<Outcome> {
    let mut changed = false;
    for id in IDS {
        let parameter = parameter(draft, id)?;
        let schema = draft.at(&format!("{parameter}/schema"))?;
        if matches!(schema["type"].as_str(), Some("number" | "integer")) {
            // `format`, `minimum` and the like are dropped: they are about numbers.
            let example = schema.get("example").map(as_text);
            *schema = json!({ "type": "string" });
            if let Some(example) = example {
                schema["example"] = example;
            }
            changed = true;
        }
        let parameter = draft.at(&parameter)?;
        if parameter.get("example").is_some_and(Value::is_number) {
            parameter["example"] = as_text(&parameter["example"]);
            changed = true;
        }
    }
    Ok(Outcome::if_changed(changed))
}

fn parameter(draft: &Draft<'_>, name: &str) -> Result<String> {
    let parameters = format!("{}/parameters", operation::POINTER);
    let count = draft.get(&parameters).and_then(Value::as_array).map_or(0, Vec::len);
    (0..count)
        .map(|index| format!("{parameters}/{index}"))
        .find(|place| {
            draft
                .get(place)
                .is_some_and(|parameter| parameter["name"] == name && parameter["in"] == "query")
        })
        .ok_or_else(|| draft.error(&parameters, format!("has no query parameter `{name}`")))
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

pub(super) const X_FIGMA_TOKEN: Correction = Correction {
    id: "x-figma-token",
    reason: "The server expects a personal access token in the header X-Figma-Token, not as Authorization: Bearer.",
    evidence: &[
        Evidence {
            source: "npm @figma/rest-api-spec 0.10.0 to 0.43.0",
            says: "PersonalAccessToken is an apiKey in the header X-Figma-Token",
        },
        Evidence {
            source: "Figma's guide to the Payments REST API, read 2025-06-27",
            says: "the cURL command sends X-FIGMA-TOKEN",
        },
    ],
    apply: x_figma_token,
};

fn x_figma_token(draft: &mut Draft<'_>) -> Result<Outcome> {
    let place = "/components/securitySchemes/PersonalAccessToken";
    let scheme = draft.at(place)?;
    if scheme["type"] == "apiKey" && scheme["in"] == "header" {
        let right =
            scheme["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("X-Figma-Token"));
        if right {
            return Ok(Outcome::NoLongerNeeded);
        }
    }
    if scheme["type"] != "http" && scheme["type"] != "apiKey" {
        return Err(draft.error(place, "is neither `http` nor `apiKey`"));
    }
    let description = scheme.get("description").cloned();
    *scheme = json!({ "type": "apiKey", "name": "X-Figma-Token", "in": "header" });
    if let Some(description) = description {
        scheme["description"] = description;
    }
    Ok(Outcome::Applied)
}
