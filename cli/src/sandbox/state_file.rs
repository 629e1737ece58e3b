//! The file of purchases: readable, and whole at any moment, whenever the
//! program is killed. One sandbox at a time uses it.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use figma_payments::sandbox::Purchase;
use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

const EXPECTED: &str = r#"{"purchases": [{"user_id": "500123", "plugin_id": "1122334455", "payment_status": "PAID", "date_of_purchase": "2024-06-15T14:30:00Z"}]} is expected, or no file"#;

/// Where the purchases are kept, locked for as long as this lives.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// The file itself is replaced with each change, and its lock with it: what
    /// is locked has to stay.
    _lock: File,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    purchases: Vec<Purchase>,
}

impl StateFile {
    /// Locks the file and reads it; makes an empty one if there is none. What
    /// could not be written back is refused here, and not with the first change.
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
                "it is a link to a file that does not exist; make that file, or remove the link";
            return Err(problem("cannot be read", &why));
        }
        let real = real(path).map_err(|error| problem("cannot be written", &error))?;
        let lock = lock(&real).map_err(|why| match why {
            NoLock::Taken => problem(
                "is used by another sandbox",
                &"stop that one, or choose another --state",
            ),
            NoLock::Impossible(lock, error) => problem(
                "cannot be written",
                &format!(
                    "{} cannot be opened ({error}); choose a --state in a folder that can be written to",
                    lock.display()
                ),
            ),
        })?;
        let file = StateFile { path: real, _lock: lock };
        let purchases = match fs::read(&file.path) {
            Ok(text) => {
                parse(&text).map_err(|why| problem("is not one", &format!("{why}; {EXPECTED}")))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                file.write(Vec::new()).map_err(|error| problem("cannot be written", &error))?;
                Vec::new()
            }
            Err(error) => return Err(problem("cannot be read", &error)),
        };
        Ok((file, purchases))
    }

    /// Replaces the contents. Whoever reads the file, whenever, reads the old
    /// ones or the new ones.
    pub fn write(&self, purchases: Vec<Purchase>) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&Contents { purchases })?;
        text.push(b'\n');
        let new = beside(&self.path, ".new");
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        // So that the new name outlives a power cut; not every system can.
        if let Ok(folder) = File::open(folder(&self.path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

enum NoLock {
    Taken,
    /// The lock file, and why it cannot be opened.
    Impossible(PathBuf, io::Error),
}

/// Locks `FILE.lock`, until it is closed or the process ends, however it ends.
/// The file is never removed: somebody may have opened it to lock it next.
fn lock(path: &Path) -> Result<File, NoLock> {
    let lock = beside(path, ".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
    let file = file.map_err(|error| NoLock::Impossible(lock.clone(), error))?;
    match FileExt::try_lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(NoLock::Taken),
        // Such a file system is no reason not to start.
        Err(TryLockError::Error(error)) => {
            let name = lock.display();
            let _ = writeln!(
                io::stderr(),
                "{name} cannot be locked ({error}): see to it that no other sandbox uses the same --state"
            );
        }
    }
    Ok(file)
}

/// The file's own path: what a link leads to is locked and replaced, and not
/// the link.
fn real(path: &Path) -> io::Result<PathBuf> {
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

/// The path with more after its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

fn parse(text: &[u8]) -> Result<Vec<Purchase>, String> {
    let contents: Contents = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut seen = BTreeSet::new();
    for purchase in &contents.purchases {
        if !seen.insert((&purchase.user, &purchase.resource)) {
            return Err(format!("user {} has {} twice", purchase.user, purchase.resource));
        }
    }
    Ok(contents.purchases)
}
