//! Replacing files of the checkout in a way that git can undo: only in a git
//! checkout, only files that are as they were committed, and one run at a time.
//!
//! New contents are first written beside the old files, then everything is
//! renamed. A run that is cut short in between leaves some files replaced; the
//! next one refuses them and names the git command that takes them back.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::shared::exclusive::Exclusive;

/// In the root of the checkout, and never committed.
const LOCK: &str = ".update-spec.lock";

/// What to do where git cannot undo a run.
const ADVICE: &str =
    "files are replaced only where git can undo it: clone the repository, or use --dry-run";

/// A file below the root, and what it shall contain.
pub type Replacement = (&'static str, String);

/// A replacement that has begun: nobody else replaces files in this checkout.
#[derive(Debug)]
pub struct Replacing {
    root: PathBuf,
    names: &'static [&'static str],
    /// What git has of these files.
    committed: Vec<u8>,
    _lock: Exclusive,
}

impl Replacing {
    /// Makes sure that these files below `root` can be replaced, and that it can
    /// be undone.
    ///
    /// # Errors
    ///
    /// A file is read-only, is not committed, or was changed since; there is no
    /// git or no git checkout; or another run is under way.
    pub fn begin(root: &Path, names: &'static [&'static str]) -> Result<Self> {
        check_writable(root, names)?;
        let lock = Exclusive::take(&root.join(LOCK))?;
        let committed = committed(root, names)?;
        Ok(Replacing { root: root.to_owned(), names, committed, _lock: lock })
    }

    /// Replaces the files, unless one of them was changed meanwhile. `between` is
    /// called after each change of the tree; tests end the process there.
    ///
    /// # Errors
    ///
    /// A file that cannot be written, and what undoes the rest.
    pub fn finish(self, files: &[Replacement], mut between: impl FnMut()) -> Result<()> {
        ensure!(
            committed(&self.root, self.names)? == self.committed,
            "the checkout was changed during the run; nothing was replaced, start again"
        );
        let staged = files.iter().try_for_each(|file| self.stage(file, &mut between));
        if staged.is_err() {
            for (name, _) in files {
                let _ = fs::remove_file(beside(&self.root.join(name)));
            }
        }
        staged?;
        for (name, _) in files {
            let path = self.root.join(name);
            fs::rename(beside(&path), &path)
                .with_context(|| format!("{}: cannot be replaced", path.display()))
                .with_context(|| format!("not all files were replaced; {}", self.undo()))?;
            between();
        }
        Ok(())
    }

    fn stage(&self, (name, text): &Replacement, between: &mut impl FnMut()) -> Result<()> {
        let path = self.root.join(name);
        let new = beside(&path);
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.set_permissions(fs::metadata(&path)?.permissions())?;
            file.sync_all()
        });
        written.with_context(|| format!("{}: cannot be written", new.display()))?;
        between();
        Ok(())
    }

    fn undo(&self) -> String {
        undo(&self.root, self.names)
    }
}

/// How a run that was cut short is undone.
fn undo(root: &Path, names: &[&str]) -> String {
    format!(
        "in {}, `git restore --staged --worktree -- {}` takes back all changes of these files",
        root.display(),
        names.join(" ")
    )
}

/// Refuses files that were made read-only, also for those who could write to
/// them nevertheless.
fn check_writable(root: &Path, names: &[&str]) -> Result<()> {
    for name in names {
        let path = root.join(name);
        for path in [Some(path.as_path()), path.parent()].into_iter().flatten() {
            let read_only = fs::metadata(path).is_ok_and(|it| it.permissions().readonly());
            ensure!(!read_only, "{}: is read-only; make the checkout writable", path.display());
        }
    }
    Ok(())
}

/// What the last commit has of these files, which have to be as it has them.
fn committed(root: &Path, names: &[&str]) -> Result<Vec<u8>> {
    let tree = git(root, &["ls-tree", "-z", "HEAD"], names)?;
    let entries = String::from_utf8_lossy(&tree);
    let known = |name: &str| {
        entries.split('\0').any(|entry| entry.split_once('\t').is_some_and(|it| it.1 == name))
    };
    if let Some(name) = names.iter().find(|name| !known(name)) {
        bail!("{}: is not in the last commit; {ADVICE}", root.join(name).display());
    }
    let status = ["status", "--porcelain", "--untracked-files=all", "-z"];
    let changed = !git(root, &status, names)?.is_empty();
    ensure!(
        !changed,
        "the checkout has changes that are not committed, perhaps of a run that was interrupted: commit them, or undo them ({})",
        undo(root, names)
    );
    Ok(tree)
}

fn git(root: &Path, arguments: &[&str], names: &[&str]) -> Result<Vec<u8>> {
    let mut git = Command::new("git");
    git.arg("--no-optional-locks").args(arguments).arg("--").args(names).current_dir(root);
    // A hook of git's sets them, perhaps for another checkout.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(name);
    }
    let output = git.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("git is not installed; {ADVICE}"),
        _ => anyhow!("git cannot be run: {error}"),
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("git gave no reason");
        bail!("{}: is no git checkout ({said}); {ADVICE}", root.display());
    }
    Ok(output.stdout)
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.update-spec-new"))
}
