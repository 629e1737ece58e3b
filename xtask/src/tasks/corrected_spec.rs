//! `cargo xtask corrected-spec`: prints the corrected document for other tools.

use figma_payments_openapi::{self as openapi, operation};
use serde_json::{Value, json};

/// One valid way to ask: a set of query parameters that a request has to have.
#[derive(Debug)]
pub struct Way {
    /// The value of `--way`.
    pub name: &'static str,
    parameters: &'static [&'static str],
}

/// The valid ways to ask. OpenAPI 3.1 cannot express that a request has exactly one of
/// several sets of parameters, so there is a version of the document for each.
pub const WAYS: [Way; 4] = [
    Way { name: "token", parameters: &["plugin_payment_token"] },
    Way { name: "plugin", parameters: &["user_id", "plugin_id"] },
    Way { name: "widget", parameters: &["user_id", "widget_id"] },
    Way { name: "file", parameters: &["user_id", "community_file_id"] },
];

/// Prints the whole document, or the one for a way to ask.
pub fn run(arguments: &[String]) -> Result<String, String> {
    let document = match arguments {
        [] => whole()?,
        [flag, way] if flag == "--way" => with_way(way)?,
        _ => return Err(usage()),
    };
    Ok(format!("{document:#}\n"))
}

fn usage() -> String {
    let ways = WAYS.map(|way| way.name).join("|");
    format!("usage: cargo xtask corrected-spec [--way {ways}]")
}

/// The corrected document.
pub fn whole() -> Result<Value, String> {
    let corrected = openapi::corrected().map_err(|error| error.to_string())?;
    Ok(corrected.document.root().clone())
}

/// The corrected document for one way to ask: only its parameters, all of them required
/// and with a pattern for valid values.
pub fn with_way(name: &str) -> Result<Value, String> {
    let way = WAYS.iter().find(|way| way.name == name).ok_or_else(usage)?;
    let mut root = whole()?;
    let place = format!("{}/parameters", operation::POINTER);
    let mut parameters = Vec::new();
    for reference in root.pointer(&place).and_then(Value::as_array).into_iter().flatten() {
        let target = reference["$ref"].as_str().unwrap_or_default();
        let mut parameter =
            root.pointer(target.trim_start_matches('#')).unwrap_or(reference).clone();
        let name = parameter["name"].as_str().unwrap_or_default();
        if !way.parameters.contains(&name) {
            continue;
        }
        parameter["schema"]["pattern"] = match name {
            "plugin_payment_token" => json!("^[!-~]{1,4096}$"),
            _ => json!("^[0-9]{1,20}$"),
        };
        parameter["required"] = json!(true);
        parameters.push(parameter);
    }
    if parameters.len() != way.parameters.len() {
        return Err(format!("{place} does not have all of {}", way.parameters.join(", ")));
    }
    if let Some(all) = root.pointer_mut(&place) {
        *all = parameters.into();
    }
    // Linters complain about components that are not used.
    root["components"].as_object_mut().map(|components| components.remove("parameters"));
    Ok(root)
}
