//! The JSON file with the purchases. It is complete at any moment, even if the program is
//! killed. Only one sandbox at a time can use it.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use figma_payments::sandbox::Purchase;
use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use crate::terminal::say;

const EXPECTED: &str = r#"{"purchases": [{"user_id": "500123", "plugin_id": "1122334455", "payment_status": "PAID", "date_of_purchase": "2024-06-15T14:30:00Z"}]}"#;

/// The file, locked until this is dropped.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// A lock file next to it. A lock on the file itself would be lost with the first
    /// change, which replaces the file.
    _lock: File,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    purchases: Vec<Purchase>,
}

impl StateFile {
    /// Locks the file and reads it, or creates one without purchases.
    ///
    /// # Errors
    ///
    /// The file cannot be used. A file that cannot be written is refused here too, and not
    /// only when the first change comes.
    pub fn open(path: &Path) -> Result<(Self, Vec<Purchase>), String> {
        let problem = |what: &str, why: &dyn Display| {
            format!("the state file {} {what}: {why}", path.display())
        };
        let exists = fs::metadata(path).is_ok();
        if exists && !path.is_file() {
            return Err(problem("cannot be read", &"it is not an ordinary file"));
        }
        if !exists && path.is_symlink() {
            let why =
                "it is a link to a file that does not exist; create that file, or remove the link";
            return Err(problem("cannot be read", &why));
        }
        let target = link_target(path).map_err(|error| problem("cannot be written", &error))?;
        let lock = lock(&target).map_err(|why| match why {
            LockError::Taken => problem(
                "is used by another sandbox",
                &"stop that one, or choose another --state",
            ),
            LockError::CannotOpen(lock, error) => problem(
                "cannot be written",
                &format!(
                    "{} cannot be opened ({error}); choose a --state in a folder that you can write to",
                    lock.display()
                ),
            ),
        })?;
        let file = StateFile { path: target, _lock: lock };
        let purchases = match fs::read(&file.path) {
            Ok(text) => parse(&text).map_err(|why| {
                problem("cannot be used", &format!("{why}; it should be like {EXPECTED}"))
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                file.write(Vec::new()).map_err(|error| problem("cannot be written", &error))?;
                Vec::new()
            }
            Err(error) => return Err(problem("cannot be read", &error)),
        };
        Ok((file, purchases))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the contents. Other programs see either the old or the new contents,
    /// never a part.
    pub fn write(&self, purchases: Vec<Purchase>) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&Contents { purchases })?;
        text.push(b'\n');
        let new = with_suffix(&self.path, ".new");
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        // After a power cut the folder has to have the new file. Not every system can sync a
        // folder.
        if let Ok(folder) = File::open(folder(&self.path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

enum LockError {
    Taken,
    /// The lock file, and the reason why it cannot be opened.
    CannotOpen(PathBuf, io::Error),
}

/// Locks `FILE.lock`. The operating system unlocks it when the process ends. The file is
/// never removed, because another process may have opened it to lock it next.
fn lock(path: &Path) -> Result<File, LockError> {
    let lock = with_suffix(path, ".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
    let file = file.map_err(|error| LockError::CannotOpen(lock.clone(), error))?;
    match FileExt::try_lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(LockError::Taken),
        // Some file systems have no locks. The sandbox starts without one.
        Err(TryLockError::Error(error)) => {
            say(&format!(
                "{} cannot be locked ({error}); make sure that no other sandbox uses the same --state",
                lock.display()
            ));
        }
    }
    Ok(file)
}

/// The path of the file itself. If `path` is a link, the file that it leads to is locked
/// and replaced, and the link stays.
fn link_target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            Ok(fs::canonicalize(folder(path))?.join(name))
        }
        found => found,
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path with `suffix` after its name.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

fn parse(text: &[u8]) -> Result<Vec<Purchase>, String> {
    let contents: Contents = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut seen = BTreeSet::new();
    for purchase in &contents.purchases {
        if !seen.insert((&purchase.user, &purchase.resource)) {
            return Err(format!("user {} has {} more than once", purchase.user, purchase.resource));
        }
    }
    Ok(contents.purchases)
}
