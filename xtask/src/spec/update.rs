//! `update-spec`: compares the document of a source with the bundled one, or with the
//! version that was reviewed last, and replaces the bundled one.

use anyhow::{Result, ensure};
use semver::Version;

use super::bundled::bundled;
use super::compared;
use super::diff::compare::diff;
use super::diff::render::Format;
use super::diff::report::{Report, Verdict};
use super::fail_on::FailOn;
use super::files::{FILES, LOCK};
use super::lock::{Bundled, Lock, Reviewed};
use super::output::{Exit, Output};
use super::replace::Replacing;
use super::slice::cut::slice;
use super::slice::part::Slice;
use super::source::fetch::{Fetched, Source};
use super::source::origin::{Checksum, Origin};
use super::trial::dry_run;
use crate::shared::workspace::Workspace;

/// What is done with the document from the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// It replaces the bundled document.
    #[default]
    Update,
    /// As `Update`, but no file is replaced.
    DryRun,
    /// It is compared with the version that was reviewed last.
    Check,
    /// Nothing is fetched: this version, which `--check` compared last, is recorded as
    /// reviewed. A newer version may exist by now, and nobody has read about it.
    Review(Version),
}

/// How the report is written, and from which verdict on the command fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reporting {
    /// The report's format.
    pub format: Format,
    /// The threshold, if one was given.
    pub fail_on: Option<FailOn>,
}

impl Reporting {
    /// Whether there is a threshold and the report reaches it.
    pub fn is_threshold_reached(self, report: &Report) -> bool {
        self.fail_on.is_some_and(|fail_on| fail_on.is_reached(report))
    }
}

/// Runs `update-spec`.
///
/// # Errors
///
/// One line that says why it could not run. Either no file was changed, or the line says
/// how to undo the changes.
pub fn update(
    workspace: &Workspace,
    source: &Source,
    mode: Mode,
    reporting: Reporting,
) -> Result<Output> {
    match mode {
        Mode::Update => {
            let replacing = Replacing::begin(workspace.root(), &FILES)?;
            bundle(workspace, source, reporting, Some(replacing))
        }
        Mode::DryRun => bundle(workspace, source, reporting, None),
        Mode::Check => check(workspace, source, reporting),
        Mode::Review(version) => review(workspace, &version),
    }
}

/// Tries the document from the source and, unless it is a dry run, replaces the bundled
/// document.
fn bundle(
    workspace: &Workspace,
    source: &Source,
    reporting: Reporting,
    replacing: Option<Replacing>,
) -> Result<Output> {
    let (document, lock) = bundled(workspace)?;
    let fetched = source.fetch()?;
    let new = slice(&fetched.document)?;
    let report = diff(&slice(&document)?, &new)?;
    let output =
        |note: String, exit| Ok(Output { report: report.render(reporting.format), note, exit });
    if new.hash() == lock.bundled.slice {
        let note = "nothing to do: the payments part is the same as in the bundled document";
        return output(note.to_owned(), Exit::Success);
    }
    if reporting.is_threshold_reached(&report) {
        let note = "the --fail-on threshold was reached; no file was replaced";
        return output(note.to_owned(), Exit::Threshold);
    }
    let text = new.to_yaml(&fetched.origin.description)?;
    let lock = lock_with(lock, &fetched.origin, &new, &text);
    let files = dry_run(workspace, text, &lock)?;
    let Some(replacing) = replacing else {
        let note = "the library compiles with the new document; no file was replaced";
        return output(note.to_owned(), Exit::Success);
    };
    replacing.finish(&files, || ())?;
    output(format!("replaced {}", FILES.join(", ")), Exit::Success)
}

/// The lock for a new bundled document. A document from npm is then also the reviewed
/// one, unless a newer version was already reviewed.
fn lock_with(lock: Lock, origin: &Origin, new: &Slice, text: &str) -> Lock {
    let reviewed = match (&origin.checksum, lock.reviewed) {
        (Checksum::Npm(package), old) => {
            let newer = old.filter(|old| old.package.version > package.version);
            Some(newer.unwrap_or_else(|| Reviewed { package: package.clone(), slice: new.hash() }))
        }
        (Checksum::Sha256(_), reviewed) => reviewed,
    };
    Lock { bundled: Bundled::new(origin, new, text), reviewed }
}

fn review(workspace: &Workspace, version: &Version) -> Result<Output> {
    let replacing = Replacing::begin(workspace.root(), &[LOCK])?;
    let (_, lock) = bundled(workspace)?;
    let reviewed = compared::last(workspace)?;
    let last = &reviewed.package.version;
    ensure!(
        last == version,
        "--check compared version {last} last, not {version}; run it with --source npm@{version} first"
    );
    let note = format!("recorded {} as reviewed in {LOCK}", reviewed.package);
    let lock = Lock { reviewed: Some(reviewed), ..lock };
    replacing.finish(&[(LOCK, lock.to_text())], || ())?;
    Ok(Output { report: String::new(), note, exit: Exit::Success })
}

/// Compares with the version that was reviewed last, or with the bundled document if
/// none was.
fn check(workspace: &Workspace, source: &Source, reporting: Reporting) -> Result<Output> {
    let (bundled, lock) = bundled(workspace)?;
    let fetched = source.fetch()?;
    let new = slice(&fetched.document)?;
    let stale = lock.reviewed.as_ref().is_none_or(|reviewed| reviewed.slice != new.hash());
    let version = new.version();
    let next_step = match &fetched.origin.checksum {
        Checksum::Npm(package) => {
            format!(
                "read the report, then run `cargo xtask update-spec --review {}`",
                package.version
            )
        }
        Checksum::Sha256(_) => "only a version on npm can be reviewed".to_owned(),
    };
    let (old, note) = match &lock.reviewed {
        Some(Reviewed { package, .. }) if !stale => {
            let note =
                format!("up to date: the payments part of {version} is the same as in {package}");
            (new.clone(), note)
        }
        // Fetched again: the integrity in the lock proves that it is what was reviewed.
        Some(Reviewed { package, .. }) => {
            let old = slice(&Fetched::from_npm(package)?.document)?;
            (old, format!("stale: {version} differs from {package}; {next_step}"))
        }
        None => {
            let old = slice(&bundled)?;
            (old, format!("stale: no version was reviewed yet; {next_step}"))
        }
    };
    let report = diff(&old, &new)?;
    if let Checksum::Npm(package) = fetched.origin.checksum {
        let reviewed = Some(Reviewed { package, slice: new.hash() });
        compared::keep(workspace, &Lock { reviewed, ..lock })?;
    }
    let note = match stale && report.verdict() == Verdict::None {
        true => format!("{note} (only descriptions or the order of keys differ)"),
        false => note,
    };
    let exit = match (reporting.is_threshold_reached(&report), stale) {
        (true, _) => Exit::Threshold,
        (false, true) => Exit::Stale,
        (false, false) => Exit::Success,
    };
    Ok(Output { report: report.render(reporting.format), note, exit })
}
