//! Types and values as reports write them.

use std::collections::BTreeSet;

use serde_json::Value;

/// `number`, `string or null`, `anything`.
pub(super) fn types(types: &Option<BTreeSet<&str>>) -> String {
    let Some(types) = types else {
        return "anything".to_owned();
    };
    if types.is_empty() {
        return "nothing".to_owned();
    }
    let number = types.contains("number");
    let shown = types.iter().filter(|it| !(number && **it == "integer"));
    let mut shown: Vec<_> = shown.copied().collect();
    shown.sort_by_key(|it| *it == "null");
    shown.join(" or ")
}

/// `PAID, UNPAID`.
pub(super) fn values(values: &[&Value]) -> String {
    let words = values.iter().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The beginning of a value, for an error message.
pub(super) fn shortened(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(60) {
        text.replace_range(end.., "…");
    }
    text
}

/// A value in a sentence: text without quotes, and null as "nothing".
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
