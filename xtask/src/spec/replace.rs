//! Replaces files of the checkout so that git can undo it: only in a git checkout, only
//! files without uncommitted changes, and only one run at a time.
//!
//! First the new contents are written to new files next to the old ones, then all are
//! renamed. If a run is interrupted in between, some files are replaced and some are not;
//! the next run refuses to start and names the git command that restores them.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::shared::exclusive::Exclusive;

/// The lock file in the root of the checkout; `.gitignore` lists it.
const LOCK: &str = ".update-spec.lock";

/// What to do if git could not undo a run.
const ADVICE: &str =
    "files are replaced only if git can undo it: clone the repository, or use --dry-run";

/// A file, relative to the root of the checkout, and its new contents.
pub type Replacement = (&'static str, String);

/// Holds the lock for replacing files in this checkout.
#[derive(Debug)]
pub struct Replacing {
    root: PathBuf,
    names: &'static [&'static str],
    /// The files in the last commit, as `git ls-tree` lists them.
    committed: Vec<u8>,
    _lock: Exclusive,
}

impl Replacing {
    /// Takes the lock, and makes sure that these files below `root` can be replaced and
    /// that git can undo it.
    ///
    /// # Errors
    ///
    /// A file is read-only, is not committed, or has uncommitted changes; git is missing,
    /// or `root` is not a git checkout; or another run holds the lock.
    pub fn begin(root: &Path, names: &'static [&'static str]) -> Result<Self> {
        check_writable(root, names)?;
        let lock = Exclusive::take(&root.join(LOCK))?;
        let committed = committed(root, names)?;
        Ok(Replacing { root: root.to_owned(), names, committed, _lock: lock })
    }

    /// Replaces the files, unless one of them was changed since [`begin`](Self::begin).
    /// `after_each_step` is called after each change in the file system, so that tests can
    /// end the process there.
    ///
    /// # Errors
    ///
    /// A file cannot be written. The error says how to restore the others.
    pub fn finish(self, files: &[Replacement], mut after_each_step: impl FnMut()) -> Result<()> {
        ensure!(
            committed(&self.root, self.names)? == self.committed,
            "the files were changed during the run; nothing was replaced, so run it again"
        );
        let staged = files.iter().try_for_each(|file| self.stage(file, &mut after_each_step));
        if staged.is_err() {
            for (name, _) in files {
                let _ = fs::remove_file(new_file(&self.root.join(name)));
            }
        }
        staged?;
        for (name, _) in files {
            let path = self.root.join(name);
            fs::rename(new_file(&path), &path)
                .with_context(|| format!("{}: cannot be replaced", path.display()))
                .with_context(|| format!("not all files were replaced; {}", self.undo()))?;
            after_each_step();
        }
        Ok(())
    }

    /// Writes the new contents next to the old file.
    fn stage(&self, (name, text): &Replacement, after_each_step: &mut impl FnMut()) -> Result<()> {
        let path = self.root.join(name);
        let new = new_file(&path);
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.set_permissions(fs::metadata(&path)?.permissions())?;
            file.sync_all()
        });
        written.with_context(|| format!("{}: cannot be written", new.display()))?;
        after_each_step();
        Ok(())
    }

    fn undo(&self) -> String {
        undo(&self.root, self.names)
    }
}

/// How to undo a run that was interrupted.
fn undo(root: &Path, names: &[&str]) -> String {
    format!(
        "in {}, `git restore --staged --worktree -- {}` undoes all changes of these files",
        root.display(),
        names.join(" ")
    )
}

/// Refuses files with read-only permissions. Without this check root would replace them.
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

/// Lists the files in the last commit. An error if one is missing there or has
/// uncommitted changes.
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
        "the checkout has uncommitted changes, perhaps from a run that was interrupted: commit them, or undo them ({})",
        undo(root, names)
    );
    Ok(tree)
}

fn git(root: &Path, arguments: &[&str], names: &[&str]) -> Result<Vec<u8>> {
    let mut git = Command::new("git");
    git.arg("--no-optional-locks").args(arguments).arg("--").args(names).current_dir(root);
    // A git hook sets these variables, perhaps for another checkout.
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
        bail!("{}: is not a git checkout ({said}); {ADVICE}", root.display());
    }
    Ok(output.stdout)
}

fn new_file(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.update-spec-new"))
}
