//! The bundled document as it is in the checkout.

use anyhow::{Context, Result, ensure};
use figma_payments_openapi::{self as openapi, Document};

use super::digest::sha256;
use super::files::{DOCUMENT, LOCK};
use super::lock::Lock;
use crate::shared::workspace::Workspace;

/// Reads the bundled document and its lock.
///
/// # Errors
///
/// One of them cannot be read, or the document is not the one that the lock describes
/// because somebody edited it by hand.
pub fn bundled(workspace: &Workspace) -> Result<(Document, Lock)> {
    let text = workspace.read(DOCUMENT)?;
    let lock = Lock::parse(&workspace.read(LOCK)?).context(LOCK)?;
    ensure!(
        sha256(text.as_bytes()) == lock.bundled.sha256,
        "{DOCUMENT}: does not have the checksum that {LOCK} lists; restore both files with git"
    );
    Ok((Document::parse(openapi::BUNDLED_NAME, &text)?, lock))
}
