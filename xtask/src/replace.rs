//! Replacing several files together, or none of them.
//!
//! New contents are first written beside the old files, then a journal says
//! that a replacement is under way, then everything is renamed. A step that
//! fails takes back what was done; a run that was killed is taken back by the
//! next one, which finds the journal.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

const JOURNAL: &str = ".update-spec.journal";

/// A file below the root, and what it shall contain.
pub type Replacement = (&'static str, String);

/// The points between two changes of the tree, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The new contents of this file were written beside it.
    Staged(usize),
    /// The journal was written.
    Announced,
    /// This file was replaced.
    Renamed(usize),
    /// The journal was removed; the replacement counts.
    Done,
}

/// Refuses files that were made read-only, also for those who could write to
/// them nevertheless.
///
/// # Errors
///
/// Names the first such file.
pub fn check_writable(root: &Path, files: &[&str]) -> Result<()> {
    for file in files {
        let path = root.join(file);
        for path in [Some(path.as_path()), path.parent()].into_iter().flatten() {
            let read_only = fs::metadata(path).is_ok_and(|it| it.permissions().readonly());
            ensure!(!read_only, "{}: is read-only; make the checkout writable", path.display());
        }
    }
    Ok(())
}

/// Replaces all files, or none. `between` is called at every step and may fail.
///
/// # Errors
///
/// A file that cannot be written; the tree is then as it was.
pub fn replace(
    root: &Path,
    files: &[Replacement],
    mut between: impl FnMut(Step) -> Result<()>,
) -> Result<()> {
    recover(root, &names(files))?;
    check_writable(root, &names(files))?;
    let result = attempt(root, files, &mut between);
    if result.is_err() {
        recover(root, &names(files)).context("and what was done could not be taken back")?;
    }
    result
}

fn attempt(
    root: &Path,
    files: &[Replacement],
    between: &mut impl FnMut(Step) -> Result<()>,
) -> Result<()> {
    for (index, (name, text)) in files.iter().enumerate() {
        let path = root.join(name);
        write(&beside(&path, "new"), text)?;
        match fs::copy(&path, beside(&path, "old")) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            kept => {
                kept.with_context(|| format!("{}: cannot be kept", path.display()))?;
                fs::set_permissions(beside(&path, "new"), fs::metadata(&path)?.permissions())?;
            }
        }
        between(Step::Staged(index))?;
    }
    // The journal appears whole or not at all.
    let journal = root.join(JOURNAL);
    write(&beside(&journal, "new"), &names(files).join("\n"))?;
    rename(&beside(&journal, "new"), &journal)?;
    between(Step::Announced)?;
    for (index, (name, _)) in files.iter().enumerate() {
        let path = root.join(name);
        rename(&beside(&path, "new"), &path)?;
        between(Step::Renamed(index))?;
    }
    fs::remove_file(&journal).context("the journal cannot be removed")?;
    between(Step::Done)?;
    clean(root, &names(files))
}

/// Takes back a replacement that was cut short, and removes what it left.
///
/// # Errors
///
/// The tree cannot be written to.
pub fn recover(root: &Path, files: &[&str]) -> Result<()> {
    let journal = root.join(JOURNAL);
    if let Ok(under_way) = fs::read_to_string(&journal) {
        for name in under_way.lines() {
            let path = root.join(name);
            let old = beside(&path, "old");
            match old.exists() {
                // Copied, so that another interruption finds it again.
                true => {
                    fs::copy(&old, beside(&path, "new"))?;
                    rename(&beside(&path, "new"), &path)?;
                }
                false => remove(&path)?,
            }
        }
        fs::remove_file(&journal).context("the journal cannot be removed")?;
    }
    remove(&beside(&journal, "new"))?;
    clean(root, files)
}

fn clean(root: &Path, files: &[&str]) -> Result<()> {
    for name in files {
        for suffix in ["new", "old"] {
            remove(&beside(&root.join(name), suffix))?;
        }
    }
    Ok(())
}

fn names(files: &[Replacement]) -> Vec<&str> {
    files.iter().map(|(name, _)| *name).collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.update-spec-{suffix}"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| {
        format!("{}: cannot be written; the checkout has to be writable", path.display())
    })
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("{}: cannot be replaced", to.display()))
}

fn remove(path: &Path) -> Result<()> {
    // Asked first: a read-only file system refuses to remove what is not there.
    if !path.exists() {
        return Ok(());
    }
    fs::remove_file(path).with_context(|| format!("{}: cannot be removed", path.display()))
}
