//! One line of the input: a user id, or the reason why it has none.

use figma_payments::UserId;

/// A line that should have a user id.
pub struct Entry {
    pub line: u64,
    /// The user, or the reason why the line has none.
    pub user: Result<UserId, String>,
}

/// Reads the user id in a line or field.
pub fn user(text: &[u8]) -> Result<UserId, String> {
    let text = str::from_utf8(text).map_err(|_| "the user id is not UTF-8 text")?.trim();
    UserId::try_from(text).map_err(|error| error.to_string())
}
