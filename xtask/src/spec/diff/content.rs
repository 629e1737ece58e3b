//! Compares what parameters, headers and bodies have in common: media types, and whether
//! they are required or deprecated.

use anyhow::Result;
use serde_json::{Value, json};

use super::checks::Subject;
use super::comparison::Comparison;
use super::mapping::{find, members_without_extensions};
use super::pair::Pair;
use super::schema_place::SchemaPlace;

/// The keys of a media type that are compared here or do not matter.
const MEDIA_TYPE: [&str; 3] = ["schema", "example", "examples"];

impl<'a> Comparison<'a> {
    /// Compares the media types of a body and their schemas.
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
        let old = members_without_extensions(old.get("content"), place)?;
        let new = members_without_extensions(new.get("content"), place)?;
        for (media_type, before) in &old {
            let Some(after) = find(&new, media_type) else {
                let id = format!("{side}-media-type-removed");
                self.note(&id, place, json!(media_type), Value::Null);
                continue;
            };
            let at = SchemaPlace::new(subject, format!("{place}, {media_type}"));
            self.unknown_keys(&at.owner, Pair::of(before, after), &MEDIA_TYPE);
            self.schemas(&at, &schema(before), &schema(after))?;
        }
        for (media_type, _) in new.iter().filter(|(name, _)| find(&old, name).is_none()) {
            let id = format!("{side}-media-type-added");
            self.note(&id, place, Value::Null, json!(media_type));
        }
        Ok(())
    }

    /// Compares `required` and `deprecated` of a parameter, header or body.
    pub(super) fn required_and_deprecated(&mut self, at: &SchemaPlace, old: &Value, new: &Value) {
        match (is_required(old), is_required(new)) {
            (false, true) => {
                self.found(at, "became-required", json!("optional"), json!("required"))
            }
            (true, false) => {
                self.found(at, "became-optional", json!("required"), json!("optional"))
            }
            _ => {}
        }
        match (old["deprecated"] == true, new["deprecated"] == true) {
            (false, true) => self.found(at, "deprecated", json!(false), json!(true)),
            (true, false) => self.found(at, "reactivated", json!(true), json!(false)),
            _ => {}
        }
    }
}

pub(super) fn is_required(value: &Value) -> bool {
    value["required"] == true
}

/// The schema of a parameter, header or media type: its `schema`, or those of its
/// `content`.
pub(super) fn schema(parameter: &Value) -> Vec<&Value> {
    let content = parameter["content"].as_object().into_iter().flatten();
    let written = content.filter_map(|(_, media_type)| media_type.get("schema"));
    parameter.get("schema").into_iter().chain(written).collect()
}
