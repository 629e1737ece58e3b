//! Schemas and values in the words of a report.

use std::collections::BTreeSet;

use figma_payments_openapi::Document;
use serde_json::Value;

use super::normalized::Flat;

impl Flat<'_> {
    /// In words: `string (PAID, UNPAID)`, `object {status?: string}`.
    pub(super) fn describe(&self, document: &Document) -> String {
        let mut text = self.kinds_and_values();
        let properties = self.properties.iter().map(|(name, schemas)| {
            let optional = if self.required.contains(name) { "" } else { "?" };
            let inner = Flat::of(document, schemas);
            let inner = inner.map_or_else(|_| "anything".to_owned(), |it| it.kinds_and_values());
            format!("{name}{optional}: {inner}")
        });
        let properties: Vec<_> = properties.collect();
        if !properties.is_empty() {
            text.push_str(&format!(" {{{}}}", properties.join(", ")));
        }
        for choice in &self.choices {
            let (keyword, count) = (choice.keyword, choice.branches.len());
            text.push_str(&format!(", {keyword} of {count}"));
        }
        text
    }

    fn kinds_and_values(&self) -> String {
        let kinds = kinds(&self.kinds);
        match &self.values {
            Some(values) => format!("{kinds} ({})", self::values(values)),
            None => kinds,
        }
    }
}

/// `number`, `string or null`, `anything`.
pub(super) fn kinds(kinds: &Option<BTreeSet<&str>>) -> String {
    let Some(kinds) = kinds else {
        return "anything".to_owned();
    };
    if kinds.is_empty() {
        return "nothing".to_owned();
    }
    let number = kinds.contains("number");
    let shown = kinds.iter().filter(|kind| !(number && **kind == "integer"));
    let mut shown: Vec<_> = shown.copied().collect();
    shown.sort_by_key(|kind| *kind == "null");
    shown.join(" or ")
}

pub(super) fn values(values: &[&Value]) -> String {
    let words = values.iter().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The beginning of a value, for an error.
pub(super) fn shortened(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(60) {
        text.replace_range(end.., "…");
    }
    text
}

/// A value for a sentence: texts without quotes, nothing as "nothing".
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
