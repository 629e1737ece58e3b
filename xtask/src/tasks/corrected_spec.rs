//! `cargo xtask corrected-spec`: the corrected document, for tools that others
//! wrote.

use figma_payments_openapi as openapi;
use serde_json::{Value, json};

const PARAMETERS: &str = "/paths/~1v1~1payments/get/parameters";

/// OpenAPI 3.1 cannot say "exactly one of" about parameters. So there are views
/// of the document, each with one way to ask: (way, its parameters).
pub const WAYS: [(&str, &[&str]); 4] = [
    ("token", &["plugin_payment_token"]),
    ("plugin", &["user_id", "plugin_id"]),
    ("widget", &["user_id", "widget_id"]),
    ("file", &["user_id", "community_file_id"]),
];

/// The document as JSON, whole or as a view.
pub fn corrected_spec(arguments: &[String]) -> Result<String, String> {
    let document = match arguments {
        [] => whole()?,
        [flag, way] if flag == "--way" => view(way)?,
        _ => return Err(usage()),
    };
    Ok(format!("{document:#}\n"))
}

fn usage() -> String {
    let ways = WAYS.map(|(way, _)| way).join("|");
    format!("usage: cargo xtask corrected-spec [--way {ways}]")
}

pub fn whole() -> Result<Value, String> {
    let corrected = openapi::corrected().map_err(|error| error.to_string())?;
    Ok(corrected.document.root().clone())
}

/// The document with one way to ask: its parameters, required, and with what a
/// value has to look like in order to be one.
pub fn view(way: &str) -> Result<Value, String> {
    let (_, wanted) = WAYS.iter().find(|(name, _)| *name == way).ok_or_else(usage)?;
    let mut root = whole()?;
    let mut parameters = Vec::new();
    for reference in root.pointer(PARAMETERS).and_then(Value::as_array).into_iter().flatten() {
        let target = reference["$ref"].as_str().unwrap_or_default();
        let mut parameter =
            root.pointer(target.trim_start_matches('#')).unwrap_or(reference).clone();
        let name = parameter["name"].as_str().unwrap_or_default();
        if !wanted.contains(&name) {
            continue;
        }
        parameter["schema"]["pattern"] = match name {
            "plugin_payment_token" => json!("^[!-~]{1,4096}$"),
            _ => json!("^[0-9]{1,20}$"),
        };
        parameter["required"] = json!(true);
        parameters.push(parameter);
    }
    if parameters.len() != wanted.len() {
        return Err(format!("{PARAMETERS} has not all of {}", wanted.join(", ")));
    }
    root["paths"]["/v1/payments"]["get"]["parameters"] = parameters.into();
    // What nothing refers to any more would be reported as a slip.
    root["components"].as_object_mut().map(|components| components.remove("parameters"));
    Ok(root)
}
