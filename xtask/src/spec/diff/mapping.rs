//! The members of mappings in a document.

use anyhow::{Result, anyhow};
use serde_json::Value;

/// The members of a mapping; none if it is absent. An error about `place` if it is not a
/// mapping.
pub(super) fn members<'a>(
    mapping: Option<&'a Value>,
    place: &str,
) -> Result<Vec<(&'a str, &'a Value)>> {
    let Some(mapping) = mapping else {
        return Ok(Vec::new());
    };
    let members = mapping
        .as_object()
        .ok_or_else(|| anyhow!("{place}: is not a mapping, but a mapping is expected"))?;
    Ok(members.iter().map(|(name, value)| (name.as_str(), value)).collect())
}

/// Like [`members`], without OpenAPI's extensions, whose names start with `x-`.
pub(super) fn members_without_extensions<'a>(
    mapping: Option<&'a Value>,
    place: &str,
) -> Result<Vec<(&'a str, &'a Value)>> {
    let mut members = members(mapping, place)?;
    members.retain(|(name, _)| !name.starts_with("x-"));
    Ok(members)
}

/// The member with this name, whatever its case: status ranges, media types and headers
/// have none.
pub(super) fn find<'a>(members: &[(&str, &'a Value)], name: &str) -> Option<&'a Value> {
    let found = members.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value)
}
