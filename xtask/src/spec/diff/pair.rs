//! A value of the old document and its counterpart in the new one.

use serde_json::Value;

/// A value in both documents; `None` where a document does not have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) old: Option<&'a Value>,
    pub(super) new: Option<&'a Value>,
}

impl<'a> Pair<'a> {
    /// A value that both documents have.
    pub(super) fn of(old: &'a Value, new: &'a Value) -> Self {
        Pair { old: Some(old), new: Some(new) }
    }

    /// The member `key` on both sides.
    pub(super) fn get(self, key: &str) -> Self {
        let member = |value: Option<&'a Value>| value.and_then(|value| value.get(key));
        Pair { old: member(self.old), new: member(self.new) }
    }

    /// The first of `levels` that has the member `key`, for each side on its own.
    pub(super) fn first(levels: &[Self], key: &str) -> Self {
        let members = || levels.iter().map(|level| level.get(key));
        Pair { old: members().find_map(|it| it.old), new: members().find_map(|it| it.new) }
    }
}
