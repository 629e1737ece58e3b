//! One run at a time: a file that is locked for as long as a run lasts. The
//! system unlocks it when the process ends, however it does; the file stays.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use fs4::{FileExt, TryLockError};

/// Unlocked when it is dropped.
#[derive(Debug)]
pub struct Exclusive {
    _file: File,
}

impl Exclusive {
    /// Locks the file at `path`, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// Another process has locked it, or it cannot be made or locked.
    pub fn take(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("{}: cannot be made", folder.display()))?;
        }
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.with_context(|| format!("{}: cannot be opened", path.display()))?;
        FileExt::try_lock(&file).map_err(|error| match error {
            TryLockError::WouldBlock => anyhow!(
                "another run of cargo xtask is under way here and holds {}; let it end",
                path.display()
            ),
            TryLockError::Error(error) => {
                anyhow!("{}: cannot be locked: {error}", path.display())
            }
        })?;
        Ok(Exclusive { _file: file })
    }
}
