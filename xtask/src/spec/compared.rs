//! What `--check` compared last, so that `--review` records that version and not a
//! newer one that nobody has read about.

use std::fs;

use anyhow::{Context, Result, anyhow};

use super::lock::{Lock, Reviewed};
use crate::shared::workspace::Workspace;

/// The file, in the target folder. It is the lock as `--review` would write it.
pub const COMPARED: &str = "update-spec/source.lock.toml";

/// Keeps the lock that `--review` would write.
///
/// # Errors
///
/// The target folder cannot be written to.
pub fn keep(workspace: &Workspace, lock: &Lock) -> Result<()> {
    let path = workspace.target().join(COMPARED);
    let folder_created = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder_created
        .and_then(|()| fs::write(&path, lock.to_text()))
        .with_context(|| format!("{}: cannot be written", path.display()))
}

/// The version that was compared last.
///
/// # Errors
///
/// `--check` was not run yet in this checkout.
pub fn last(workspace: &Workspace) -> Result<Reviewed> {
    let path = workspace.target().join(COMPARED);
    let text = fs::read_to_string(&path).map_err(|_| {
        anyhow!("no version was compared yet; run cargo xtask update-spec --check and read its report first")
    })?;
    let lock = Lock::parse(&text).with_context(|| path.display().to_string())?;
    lock.reviewed.with_context(|| format!("{}: has no [reviewed]", path.display()))
}
