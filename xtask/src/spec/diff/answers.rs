//! Comparing what the client receives: status codes, media types, headers.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use super::checks::Subject;
use super::comparison::{Comparison, Pair};
use super::request::schema;
use super::schemas::At;

const RESPONSE: [&str; 4] = ["description", "summary", "headers", "content"];
const MEDIA_TYPE: [&str; 3] = ["schema", "example", "examples"];
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
        let (old, new) = (members(responses.0, place)?, members(responses.1, place)?);
        for (status, before) in &old {
            let place = format!("{place}, response {status}");
            match get(&new, status) {
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
        for (status, _) in new.iter().filter(|(status, _)| get(&old, status).is_none()) {
            let id = format!("response-{}-added", class(status));
            let place = format!("{place}, response {status}");
            self.note(&id, place, Value::Null, json!(status));
        }
        Ok(())
    }

    fn response(&mut self, place: &str, old: &'a Value, new: &'a Value) -> Result<()> {
        self.unknown_keys(place, (Some(old), Some(new)), &RESPONSE);
        self.headers(place, old, new)?;
        self.content(Subject::ResponseBody, place, old, new)
    }

    /// The media types of a body.
    pub(super) fn content(
        &mut self,
        subject: Subject,
        place: &str,
        old: &'a Value,
        new: &'a Value,
    ) -> Result<()> {
        let side = match subject.is_request() {
            true => "request",
            false => "response",
        };
        let old = members(old.get("content"), place)?;
        let new = members(new.get("content"), place)?;
        for (media_type, before) in &old {
            let Some(after) = get(&new, media_type) else {
                let id = format!("{side}-media-type-removed");
                self.note(&id, place, json!(media_type), Value::Null);
                continue;
            };
            let at = At::new(subject, format!("{place}, {media_type}"));
            self.unknown_keys(&at.place, (Some(before), Some(after)), &MEDIA_TYPE);
            self.schemas(&at, &schema(before), &schema(after))?;
        }
        for (media_type, _) in new.iter().filter(|(name, _)| get(&old, name).is_none()) {
            let id = format!("{side}-media-type-added");
            self.note(&id, place, Value::Null, json!(media_type));
        }
        Ok(())
    }

    fn headers(&mut self, place: &str, old: &'a Value, new: &'a Value) -> Result<()> {
        // Here `x-` starts a name, not an extension.
        let old = mapping(old.get("headers"), place)?;
        let new = mapping(new.get("headers"), place)?;
        for (name, before) in &old {
            let at = At::new(Subject::ResponseHeader, format!("{place}, header `{name}`"));
            let before = self.old.resolve(before);
            let Some(after) = get(&new, name) else {
                let id = format!("{}-response-header-removed", need(before));
                self.note(&id, at.place, json!(name), Value::Null);
                continue;
            };
            let after = self.new.resolve(after);
            self.unknown_keys(&at.place, (Some(before), Some(after)), &HEADER);
            self.required_and_deprecated(&at, before, after);
            self.schemas(&at, &schema(before), &schema(after))?;
        }
        for (name, after) in new.iter().filter(|(name, _)| get(&old, name).is_none()) {
            let id = format!("{}-response-header-added", need(self.new.resolve(after)));
            let place = format!("{place}, header `{name}`");
            self.note(&id, place, Value::Null, json!(name));
        }
        Ok(())
    }
}

/// The members of a mapping that may be absent, without extensions.
fn members<'a>(value: Option<&'a Value>, place: &str) -> Result<Vec<(&'a str, &'a Value)>> {
    let mut members = mapping(value, place)?;
    members.retain(|(name, _)| !name.starts_with("x-"));
    Ok(members)
}

fn mapping<'a>(value: Option<&'a Value>, place: &str) -> Result<Vec<(&'a str, &'a Value)>> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let map = value
        .as_object()
        .ok_or_else(|| anyhow!("{place}: a mapping is expected where a list or value stands"))?;
    Ok(map.iter().map(|(name, value)| (name.as_str(), value)).collect())
}

/// Status ranges, media types and headers have no case.
fn get<'a>(members: &[(&str, &'a Value)], name: &str) -> Option<&'a Value> {
    let found = members.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value)
}

/// What is not a success or a redirect is a failure, also what is not listed.
fn class(status: &str) -> &'static str {
    match status.starts_with(['4', '5']) || status == "default" {
        true => "non-success-status",
        false => "success-status",
    }
}

fn need(header: &Value) -> &'static str {
    match header["required"] == true {
        true => "required",
        false => "optional",
    }
}
