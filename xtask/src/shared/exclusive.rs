//! A lock file, so that only one run at a time does something. The operating system
//! releases the lock when the process ends, however it ends; the file stays.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use fs4::{FileExt, TryLockError};

/// A locked file. Dropping it releases the lock.
#[derive(Debug)]
pub struct Exclusive {
    _file: File,
}

impl Exclusive {
    /// Locks the file at `path`. The file and its folder are created if necessary.
    ///
    /// # Errors
    ///
    /// Another process holds the lock, or the file cannot be created or locked.
    pub fn take(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("{}: cannot be created", folder.display()))?;
        }
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.with_context(|| format!("{}: cannot be opened", path.display()))?;
        FileExt::try_lock(&file).map_err(|error| match error {
            TryLockError::WouldBlock => anyhow!(
                "another run of cargo xtask has locked {}; wait until it has ended",
                path.display()
            ),
            TryLockError::Error(error) => {
                anyhow!("{}: cannot be locked: {error}", path.display())
            }
        })?;
        Ok(Exclusive { _file: file })
    }
}
