//! Tries a new document: the whole build flow, and the library type-checked or tested
//! with the result in a copy of the checkout.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use figma_payments_openapi::{self as openapi, Document};

use super::files::{CORRECTIONS, DOCUMENT, LOCK, SNAPSHOT};
use super::lock::Lock;
use super::replace::Replacement;
use crate::shared::exclusive::Exclusive;
use crate::shared::workspace::{Workspace, copy_folder};

/// Reads, names, corrects and lowers a document, generates the bindings, and
/// type-checks the library with them. Gives the new contents of the files.
///
/// # Errors
///
/// The error of the step that failed.
pub fn dry_run(workspace: &Workspace, document: String, lock: &Lock) -> Result<Vec<Replacement>> {
    let read = Document::parse(openapi::BUNDLED_NAME, &document)?;
    let corrected = openapi::correct(&openapi::name(&read)?)?;
    let corrections = corrected.outcomes();
    let lowered = openapi::lower(&corrected.document)?;
    let bindings = without_panic_messages(|| openapi::bindings(&lowered));
    let bindings = bindings.map_err(|error| anyhow!(error))?;
    let files = vec![
        (DOCUMENT, document),
        (CORRECTIONS, corrections),
        (SNAPSHOT, bindings),
        (LOCK, lock.to_text()),
    ];
    let check = ["check", "--quiet", "--package", "figma-payments", "--all-features"];
    run_in_copy(workspace, &files, &check)
        .context("the library does not compile with the new bindings")?;
    Ok(files)
}

/// Runs the whole test suite with these files in place of the checkout's.
///
/// # Errors
///
/// The first test that fails.
pub fn test(workspace: &Workspace, files: &[Replacement]) -> Result<()> {
    run_in_copy(workspace, files, &["test", "--workspace", "--all-features"])
        .context("the test suite fails with the new document")
}

/// Runs cargo in a copy of the checkout that has these files.
fn run_in_copy(workspace: &Workspace, files: &[Replacement], arguments: &[&str]) -> Result<()> {
    let folder = workspace.target().join("update-spec");
    // Checkouts may share a target folder, and with it the copy.
    let _lock = Exclusive::take(&folder.join("lock"))?;
    let copy = copy_with(workspace, &folder, files)?;
    cargo(&copy, &folder, arguments)
}

/// Copies the checkout. The copy is always in the same place, so that cargo finds again
/// what it has built there.
fn copy_with(workspace: &Workspace, folder: &Path, files: &[Replacement]) -> Result<PathBuf> {
    let copy = folder.join("workspace");
    if copy.exists() {
        fs::remove_dir_all(&copy)
            .with_context(|| format!("{}: cannot be removed", copy.display()))?;
    }
    copy_folder(workspace.root(), &copy)?;
    for (name, text) in files {
        let path = copy.join(name);
        fs::write(&path, text).with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    Ok(copy)
}

fn cargo(copy: &Path, folder: &Path, arguments: &[&str]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(copy)
        // Not the checkout's target folder: cargo cannot tell the crates of a copy from
        // those of the checkout and would use the one for the other.
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .context("cargo cannot be run; install Rust with rustup")?;
    if output.status.success() {
        return Ok(());
    }
    let all = [output.stdout, output.stderr].concat();
    let log = folder.join("cargo.log");
    fs::write(&log, &all)?;
    bail!(
        "{}; the whole output is in {}",
        first_error(&String::from_utf8_lossy(&all)),
        log.display()
    );
}

/// The first line with an error in cargo's output, with the place if cargo names one.
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

/// The generator turns its panics into errors, but Rust still prints a message for each
/// panic. This keeps it from being printed.
fn without_panic_messages<T>(run: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = run();
    std::panic::set_hook(hook);
    result
}
