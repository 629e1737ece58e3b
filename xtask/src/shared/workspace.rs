//! The checkout: its files, and a copy of it that a new document is tried in.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use figma_payments_openapi::{self as openapi, Document};

use crate::shared::exclusive::Exclusive;
use crate::spec::lock::{Lock, Reviewed};
use crate::spec::replace::Replacement;
use crate::spec::slice::sha256;

/// The bundled document.
pub const DOCUMENT: &str = "openapi/figma-payments-api-openapi.yml";
/// Where it came from.
pub const LOCK: &str = "openapi/source.lock.toml";
/// Which corrections apply to it; a test compares.
pub const CORRECTIONS: &str = "openapi/tests/corrections.lock.txt";
/// The code that is generated from it; a test compares.
pub const SNAPSHOT: &str = "tests/snapshots/bindings.rs";

/// Where a check keeps the lock as a review of what it compared would write it;
/// in the target folder.
pub const COMPARED: &str = "update-spec/source.lock.toml";

/// All that is replaced together.
pub const FILES: [&str; 4] = [DOCUMENT, CORRECTIONS, SNAPSHOT, LOCK];

/// A checkout of this repository.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The checkout that this program was built in, or that cargo runs it for.
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

    /// Where cargo builds it.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Reads one of its files.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self, file: &str) -> Result<String> {
        let path = self.root.join(file);
        fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))
    }

    /// The bundled document and its lock, once they are known to belong
    /// together.
    ///
    /// # Errors
    ///
    /// One of them was edited by hand.
    pub fn bundled(&self) -> Result<(Document, Lock)> {
        let text = self.read(DOCUMENT)?;
        let lock = Lock::parse(&self.read(LOCK)?).with_context(|| LOCK.to_owned())?;
        ensure!(
            sha256(text.as_bytes()) == lock.bundled.sha256,
            "{DOCUMENT}: is not the document that {LOCK} was written for; take both from version control again"
        );
        Ok((Document::parse(openapi::BUNDLED_NAME, &text)?, lock))
    }

    /// Keeps the lock as a review of what was just compared would write it.
    ///
    /// # Errors
    ///
    /// The target folder cannot be written to.
    pub fn keep_compared(&self, lock: &Lock) -> Result<()> {
        let path = self.target.join(COMPARED);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        written
            .and_then(|()| fs::write(&path, lock.to_text()))
            .with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// What was compared last.
    ///
    /// # Errors
    ///
    /// Nothing was.
    pub fn compared(&self) -> Result<Reviewed> {
        let path = self.target.join(COMPARED);
        let text = fs::read_to_string(&path)
            .map_err(|_| anyhow!("nothing was compared here yet; run cargo xtask update-spec --check, and read its report"))?;
        let lock = Lock::parse(&text).with_context(|| path.display().to_string())?;
        lock.reviewed.with_context(|| format!("{}: names no version", path.display()))
    }

    /// Sends a new document through the whole build flow: read, named,
    /// corrected, lowered, generated, and type-checked against the thin layer
    /// in a copy of this checkout. Returns what has to be replaced with it.
    ///
    /// # Errors
    ///
    /// The step that refused it.
    pub fn dry_run(&self, document: String, lock: &Lock) -> Result<Vec<Replacement>> {
        let read = Document::parse(openapi::BUNDLED_NAME, &document)?;
        let corrected = openapi::correct(&openapi::name(&read)?)?;
        let outcomes = corrected.report.iter();
        let corrections = outcomes
            .map(|(correction, outcome)| format!("{} {outcome}\n", correction.id))
            .collect();
        let lowered = openapi::lower(&corrected.document)?;
        let bindings = quietly(|| openapi::bindings(&lowered)).map_err(|error| anyhow!(error))?;
        let files = vec![
            (DOCUMENT, document),
            (CORRECTIONS, corrections),
            (SNAPSHOT, bindings),
            (LOCK, lock.to_text()),
        ];
        let _alone = self.alone()?;
        let copy = self.copy_with(&files)?;
        let check = ["check", "--quiet", "--package", "figma-payments", "--all-features"];
        self.cargo(&copy, &check).context("the new bindings do not fit the thin layer")?;
        Ok(files)
    }

    /// Runs the whole test suite in a copy with other files.
    ///
    /// # Errors
    ///
    /// The first test that fails.
    pub fn test(&self, files: &[Replacement]) -> Result<()> {
        let _alone = self.alone()?;
        let copy = self.copy_with(files)?;
        self.cargo(&copy, &["test", "--workspace", "--all-features"])
            .context("the test suite fails with the new document")
    }

    /// Held while the copy is used: other checkouts may build in the same place.
    fn alone(&self) -> Result<Exclusive> {
        Exclusive::take(&self.target.join("update-spec").join("lock"))
    }

    /// A copy of the checkout, always in the same place, so that what cargo
    /// built for it is found again.
    fn copy_with(&self, files: &[Replacement]) -> Result<PathBuf> {
        let copy = self.target.join("update-spec").join("workspace");
        if copy.exists() {
            fs::remove_dir_all(&copy)
                .with_context(|| format!("{}: cannot be emptied", copy.display()))?;
        }
        copy_folder(&self.root, &copy)?;
        for (name, text) in files {
            fs::write(copy.join(name), text).with_context(|| format!("the copy of {name}"))?;
        }
        Ok(copy)
    }

    fn cargo(&self, folder: &Path, arguments: &[&str]) -> Result<()> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(arguments)
            .current_dir(folder)
            // Of its own: cargo tells a copy from the checkout by nothing that it
            // keeps, and would take what it built of one for the other.
            .env("CARGO_TARGET_DIR", self.target.join("update-spec").join("target"))
            .env_remove("CARGO_MANIFEST_DIR")
            .output()
            .context("cargo cannot be run; install Rust with rustup")?;
        if output.status.success() {
            return Ok(());
        }
        let all = [output.stdout, output.stderr].concat();
        let log = self.target.join("update-spec").join("cargo.log");
        fs::write(&log, &all)?;
        bail!("{}; all of it is in {}", first_error(&String::from_utf8_lossy(&all)), log.display());
    }
}

/// The line that says what is wrong, and the place where cargo names one.
fn first_error(log: &str) -> String {
    let mut lines = log.lines().skip_while(|line| {
        !(line.starts_with("error") || line.contains("panicked at") || line.contains("FAILED"))
    });
    let error = lines.next().unwrap_or("cargo failed").trim().to_owned();
    match lines.next().map(str::trim) {
        Some(next) if next.starts_with("-->") || error.contains("panicked at") => {
            format!("{error} {next}")
        }
        _ => error,
    }
}

/// Copies sources: what is built, hidden or a link is left behind.
///
/// # Errors
///
/// A file cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{}: cannot be made", to.display()))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.');
        let wanted = [".cargo", ".ci", ".github", ".gitignore"].iter().any(|it| name == *it);
        let made = ["target", "corpus", "artifacts", "node_modules"].iter().any(|it| name == *it);
        if made || (hidden && !wanted) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&entry.path(), &to.join(&name))?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

/// The generator's panics come back as errors; their messages stay off the
/// screen.
fn quietly<T>(run: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = run();
    std::panic::set_hook(hook);
    result
}
