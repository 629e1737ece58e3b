//! Reads text of limited length.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use figma_payments_openapi::MAX_BYTES;

/// Reads a file; see [`text`].
pub(super) fn file(path: &Path) -> Result<String> {
    let file = File::open(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    text(file).with_context(|| format!("{}: cannot be used", path.display()))
}

/// Reads UTF-8 text. More than [`MAX_BYTES`] is an error, and no more than that is read.
pub(super) fn text(from: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        bail!("it is longer than {MAX_BYTES} bytes, the limit for an OpenAPI document");
    }
    String::from_utf8(bytes).context("it is not UTF-8 text")
}
