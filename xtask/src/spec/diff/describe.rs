//! Describes a schema in a report.

use figma_payments_openapi::Document;

use super::normalized::NormalizedSchema;
use super::words;

impl NormalizedSchema<'_> {
    /// The schema as reports write it: `string (PAID, UNPAID)`, `object {status?: string}`.
    pub(super) fn describe(&self, document: &Document) -> String {
        let mut text = self.types_and_values();
        let properties = self.properties.iter().map(|(name, schemas)| {
            let optional = if self.required.contains(name) { "" } else { "?" };
            let inner = NormalizedSchema::of(document, schemas);
            let inner = inner.map_or_else(|_| "anything".to_owned(), |it| it.types_and_values());
            format!("{name}{optional}: {inner}")
        });
        let properties: Vec<_> = properties.collect();
        if !properties.is_empty() {
            text.push_str(&format!(" {{{}}}", properties.join(", ")));
        }
        for alternatives in &self.alternatives {
            let keyword = alternatives.keyword;
            let count = alternatives.branches.len();
            text.push_str(&format!(", {keyword} of {count}"));
        }
        text
    }

    fn types_and_values(&self) -> String {
        let types = words::types(&self.types);
        match &self.values {
            Some(values) => format!("{types} ({})", words::values(values)),
            None => types,
        }
    }
}
