//! JSON pointers (RFC 6901), as places in a document and as targets of `$ref`.

use percent_encoding::percent_decode_str;

/// The pointer of the member `key` of the value at `parent`.
pub(crate) fn join(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The target of a `$ref` as a pointer; `None` if it is in another document.
pub(crate) fn of_reference(target: &str) -> Option<String> {
    let fragment = target.strip_prefix('#')?;
    if !fragment.is_empty() && !fragment.starts_with('/') {
        return None;
    }
    let decoded = percent_decode_str(fragment).decode_utf8().ok()?;
    Some(decoded.into_owned())
}
