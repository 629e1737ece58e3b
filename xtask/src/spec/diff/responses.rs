//! Compares the responses: statuses and headers.

use anyhow::Result;
use serde_json::{Value, json};

use super::checks::Subject;
use super::comparison::Comparison;
use super::content::schema;
use super::mapping::{find, members, members_without_extensions};
use super::pair::Pair;
use super::schema_place::SchemaPlace;

/// The keys of a response that are compared here or do not matter.
const RESPONSE: [&str; 4] = ["description", "summary", "headers", "content"];
/// The keys of a header that are compared here or do not matter.
const HEADER: [&str; 9] = [
    "description",
    "required",
    "deprecated",
    "schema",
    "content",
    "style",
    "explode",
    "example",
    "examples",
];

impl<'a> Comparison<'a> {
    pub(super) fn responses(&mut self, place: &str, responses: Pair<'a>) -> Result<()> {
        let old = members_without_extensions(responses.old, place)?;
        let new = members_without_extensions(responses.new, place)?;
        for (status, before) in &old {
            let place = format!("{place}, response {status}");
            match find(&new, status) {
                Some(after) => {
                    let (before, after) = (self.old.resolve(before), self.new.resolve(after));
                    self.response(&place, before, after)?;
                }
                None => {
                    let id = format!("response-{}-removed", class(status));
                    self.note(&id, place, json!(status), Value::Null);
                }
            }
        }
        for (status, _) in new.iter().filter(|(status, _)| find(&old, status).is_none()) {
            let id = format!("response-{}-added", class(status));
            let place = format!("{place}, response {status}");
            self.note(&id, place, Value::Null, json!(status));
        }
        Ok(())
    }

    fn response(&mut self, place: &str, old: &'a Value, new: &'a Value) -> Result<()> {
        self.unknown_keys(place, Pair::of(old, new), &RESPONSE);
        self.headers(place, old, new)?;
        self.content(Subject::ResponseBody, place, old, new)
    }

    fn headers(&mut self, place: &str, old: &'a Value, new: &'a Value) -> Result<()> {
        // Of headers, `x-` starts an ordinary name and not an extension.
        let old = members(old.get("headers"), place)?;
        let new = members(new.get("headers"), place)?;
        for (name, before) in &old {
            let at = SchemaPlace::new(Subject::ResponseHeader, format!("{place}, header `{name}`"));
            let before = self.old.resolve(before);
            let Some(after) = find(&new, name) else {
                let id = format!("{}-response-header-removed", necessity(before));
                self.note(&id, at.owner, json!(name), Value::Null);
                continue;
            };
            let after = self.new.resolve(after);
            self.unknown_keys(&at.owner, Pair::of(before, after), &HEADER);
            self.required_and_deprecated(&at, before, after);
            self.schemas(&at, &schema(before), &schema(after))?;
        }
        for (name, after) in new.iter().filter(|(name, _)| find(&old, name).is_none()) {
            let id = format!("{}-response-header-added", necessity(self.new.resolve(after)));
            let place = format!("{place}, header `{name}`");
            self.note(&id, place, Value::Null, json!(name));
        }
        Ok(())
    }
}

/// Whether a status is an error. `default` counts as one, because it describes the
/// statuses that are not listed.
fn class(status: &str) -> &'static str {
    match status.starts_with(['4', '5']) || status == "default" {
        true => "non-success-status",
        false => "success-status",
    }
}

fn necessity(header: &Value) -> &'static str {
    match header["required"] == true {
        true => "required",
        false => "optional",
    }
}
