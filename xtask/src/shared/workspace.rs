//! The checkout of this repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A checkout of this repository.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The checkout that `cargo xtask` was called in.
    pub fn locate() -> Self {
        let package = env::var_os("CARGO_MANIFEST_DIR");
        let package = package.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = package.parent().unwrap_or(Path::new(".")).to_owned();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Workspace { root, target }
    }

    /// Its root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its target folder, where cargo builds.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Reads a file of the checkout.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self, file: &str) -> Result<String> {
        let path = self.root.join(file);
        fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))
    }
}

/// Copies the sources in a folder. Build results, hidden files and links are left out.
///
/// # Errors
///
/// A file cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{}: cannot be created", to.display()))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.');
        let wanted = [".cargo", ".ci", ".github", ".gitignore"].iter().any(|it| name == *it);
        let made = ["target", "corpus", "artifacts", "node_modules"].iter().any(|it| name == *it);
        if made || (hidden && !wanted) {
            continue;
        }
        let file_type = entry.file_type()?;
        if file_type.is_dir() {
            copy_folder(&entry.path(), &to.join(&name))?;
        } else if file_type.is_file() {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}
