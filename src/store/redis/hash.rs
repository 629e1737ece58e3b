//! Keyed hashes, as names.

use ring::hmac;

/// 24 hex digits: enough that no two are the same by accident.
pub(super) fn keyed_hash(key: &hmac::Key, parts: &[&str]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        // With its length, so that no two lists of parts are the same text.
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    hex(&context.sign().as_ref()[..12])
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
