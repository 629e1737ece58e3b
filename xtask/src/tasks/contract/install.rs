//! Installs the pinned tools. They are installed again when their lockfile changes.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shared::workspace::Workspace;

/// Why a tool is not installed.
#[derive(Debug)]
pub enum Problem {
    /// Node or Python is missing or too old.
    Missing(String),
    /// The installation failed.
    Failed(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Problem::Missing(message) | Problem::Failed(message)) = self;
        f.write_str(message)
    }
}

/// Installs Prism and Redocly.
pub fn node(folder: &Path) -> Result<(), Problem> {
    let new_enough = "let [a, b] = process.versions.node.split('.'); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)";
    expect("node", ["-e", new_enough], "Node 20.19 or newer is not installed")?;
    npm(&source(), folder)
}

/// Installs what the `package-lock.json` in `source` pins.
pub fn npm(source: &Path, folder: &Path) -> Result<(), Problem> {
    expect("npm", ["--version"], "npm is not installed")?;
    once(source, folder, &["package-lock.json", "package.json"], |folder| {
        let flags = ["--ignore-scripts", "--no-audit", "--no-fund"];
        run(Command::new("npm").current_dir(folder).arg("ci").args(flags))
    })
}

/// Installs Schemathesis.
pub fn python(folder: &Path) -> Result<(), Problem> {
    let new_enough = "import sys, venv; sys.exit(sys.version_info < (3, 10))";
    expect("python3", ["-c", new_enough], "Python 3.10 or newer, with venv, is not installed")?;
    once(&source(), folder, &["requirements.txt"], |folder| {
        let python = folder.join("python");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&python))?;
        run(Command::new(python.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--timeout", "30"])
            .args(["--require-hashes", "--requirement"])
            .arg(folder.join("requirements.txt")))
    })
}

/// Makes sure that a program runs with these arguments; `or` says what is missing.
fn expect<const N: usize>(program: &str, arguments: [&str; N], or: &str) -> Result<(), Problem> {
    let output = Command::new(program).args(arguments).output();
    match output.is_ok_and(|output| output.status.success()) {
        true => Ok(()),
        false => Err(Problem::Missing(or.to_owned())),
    }
}

/// The folder with the lockfiles of the contract tests' tools.
fn source() -> PathBuf {
    Workspace::locate().root().join("tests/contract")
}

/// Installs, unless it was done before with the same lockfile, the first of `files`.
fn once(
    source: &Path,
    folder: &Path,
    files: &[&str],
    install: impl FnOnce(&Path) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let failed = |error: std::io::Error| Problem::Failed(format!("{}: {error}", folder.display()));
    let lock = fs::read(source.join(files[0])).map_err(failed)?;
    let done = folder.join(format!("{}.done", files[0]));
    if fs::read(&done).is_ok_and(|done| done == lock) {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for file in files {
        fs::copy(source.join(file), folder.join(file)).map_err(failed)?;
    }
    install(folder)?;
    fs::write(done, lock).map_err(failed)
}

fn run(command: &mut Command) -> Result<(), Problem> {
    println!("installing: {command:?}");
    let output =
        command.output().map_err(|error| Problem::Failed(format!("{command:?}: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Problem::Failed(format!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
    }
}
