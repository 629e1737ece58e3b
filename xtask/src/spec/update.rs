//! `update-spec`: from a source to a report, and on to a new bundled document.

use anyhow::{Result, ensure};
use semver::Version;

use crate::shared::workspace::{FILES, LOCK, Workspace};
use crate::spec::diff::{Format, Report, Verdict, diff};
use crate::spec::lock::{Bundled, Lock, Reviewed};
use crate::spec::replace::Replacing;
use crate::spec::slice::{Slice, slice};
use crate::spec::source::{Checksum, Fetched, Origin, Source};

/// Nothing to do, or done.
pub const DONE: u8 = 0;
/// The `--fail-on` threshold was reached.
pub const THRESHOLD: u8 = 1;
/// `--check` found that the reviewed version is stale.
pub const STALE: u8 = 4;
/// Could not run.
pub const FAILED: u8 = 100;

/// What is done with the document from the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// It replaces the bundled one.
    #[default]
    Update,
    /// All but the replacing.
    DryRun,
    /// It is compared with the one that was reviewed last.
    Check,
    /// Nothing is fetched: this version, which was compared last, is recorded as
    /// reviewed. A newer one may be out by now, and nobody has read about it.
    Review(Version),
}

/// From which verdict on a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Only if something breaks.
    Breaking,
    /// At any change.
    Any,
}

/// What a command has to say, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// For standard output: the report.
    pub report: String,
    /// For standard error: what was done.
    pub note: String,
    /// One of the documented exit codes.
    pub code: u8,
}

impl FailOn {
    fn is_reached(self, verdict: Verdict) -> bool {
        match self {
            FailOn::Breaking => verdict == Verdict::Breaking,
            FailOn::Any => verdict != Verdict::None,
        }
    }
}

/// Whether the threshold, if there is one, is reached.
pub fn is_reached(threshold: Option<FailOn>, report: &Report) -> bool {
    threshold.is_some_and(|threshold| threshold.is_reached(report.verdict()))
}

/// Runs `update-spec`.
///
/// # Errors
///
/// One line on why it could not run; nothing was changed, or the line says how it
/// is undone.
pub fn update(
    workspace: &Workspace,
    source: &Source,
    mode: Mode,
    format: Format,
    fail_on: Option<FailOn>,
) -> Result<Said> {
    match mode {
        Mode::Update => {
            let replacing = Replacing::begin(workspace.root(), &FILES)?;
            bundle(workspace, source, format, fail_on, Some(replacing))
        }
        Mode::DryRun => bundle(workspace, source, format, fail_on, None),
        Mode::Check => check(workspace, source, format, fail_on),
        Mode::Review(version) => review(workspace, &version),
    }
}

/// Builds with the document from the source, and replaces the bundled one if
/// that is wanted.
fn bundle(
    workspace: &Workspace,
    source: &Source,
    format: Format,
    fail_on: Option<FailOn>,
    replacing: Option<Replacing>,
) -> Result<Said> {
    let (document, lock) = workspace.bundled()?;
    let fetched = source.fetch()?;
    let new = slice(&fetched.document)?;
    let report = diff(&slice(&document)?, &new)?;
    let said = |note: String, code| Ok(Said { report: report.render(format), note, code });
    if new.hash() == lock.bundled.slice {
        return said("nothing to do: the bundled document says the same".to_owned(), DONE);
    }
    if is_reached(fail_on, &report) {
        let note = "the --fail-on threshold is reached; nothing was written".to_owned();
        return said(note, THRESHOLD);
    }
    let text = new.to_yaml(&fetched.origin.words)?;
    let lock = bundling(lock, &fetched.origin, &new, &text);
    let files = workspace.dry_run(text, &lock)?;
    let Some(replacing) = replacing else {
        return said("the document builds; nothing was written".to_owned(), DONE);
    };
    replacing.finish(&files, || ())?;
    said(format!("replaced {}", FILES.join(", ")), DONE)
}

/// The lock with this document bundled. One from npm is thereby reviewed,
/// unless a newer one already was.
fn bundling(lock: Lock, origin: &Origin, new: &Slice, text: &str) -> Lock {
    let reviewed = match (&origin.checksum, lock.reviewed) {
        (Checksum::Npm(package), old) => {
            let newer = old.filter(|old| old.package.version > package.version);
            Some(newer.unwrap_or_else(|| Reviewed { package: package.clone(), slice: new.hash() }))
        }
        (Checksum::Sha256(_), reviewed) => reviewed,
    };
    Lock { bundled: Bundled::new(origin, new, text), reviewed }
}

fn review(workspace: &Workspace, version: &Version) -> Result<Said> {
    let replacing = Replacing::begin(workspace.root(), &[LOCK])?;
    let (_, lock) = workspace.bundled()?;
    let reviewed = workspace.compared()?;
    let compared = &reviewed.package.version;
    ensure!(
        compared == version,
        "--check compared {compared} last, not {version}; run it with --source npm@{version}"
    );
    let note = format!("recorded {} as reviewed in {LOCK}", reviewed.package);
    let lock = Lock { reviewed: Some(reviewed), ..lock };
    replacing.finish(&[(LOCK, lock.to_text())], || ())?;
    Ok(Said { report: String::new(), note, code: DONE })
}

/// Compares with what was reviewed last, or with the bundled document where
/// nothing was.
fn check(
    workspace: &Workspace,
    source: &Source,
    format: Format,
    fail_on: Option<FailOn>,
) -> Result<Said> {
    let (bundled, lock) = workspace.bundled()?;
    let fetched = source.fetch()?;
    let new = slice(&fetched.document)?;
    let stale = lock.reviewed.as_ref().is_none_or(|reviewed| reviewed.slice != new.hash());
    let version = new.version();
    let next = match &fetched.origin.checksum {
        Checksum::Npm(package) => {
            format!("read the report, then `cargo xtask update-spec --review {}`", package.version)
        }
        Checksum::Sha256(_) => "only a version on npm can be reviewed".to_owned(),
    };
    let (old, note) = match &lock.reviewed {
        Some(Reviewed { package, .. }) if !stale => {
            let note = format!("up to date: {version} says of payments what {package} said");
            (new.clone(), note)
        }
        // The lock's integrity makes sure that it is what was reviewed.
        Some(Reviewed { package, .. }) => {
            let old = slice(&Fetched::of(package)?.document)?;
            (old, format!("stale: {version} differs from {package}; {next}"))
        }
        None => {
            let old = slice(&bundled)?;
            (old, format!("stale: no version was reviewed yet; {next}"))
        }
    };
    let report = diff(&old, &new)?;
    if let Checksum::Npm(package) = fetched.origin.checksum {
        let reviewed = Some(Reviewed { package, slice: new.hash() });
        workspace.keep_compared(&Lock { reviewed, ..lock })?;
    }
    let note = match stale && report.verdict() == Verdict::None {
        true => format!("{note} (only texts or their order differ)"),
        false => note,
    };
    let code = match (is_reached(fail_on, &report), stale) {
        (true, _) => THRESHOLD,
        (false, true) => STALE,
        (false, false) => DONE,
    };
    Ok(Said { report: report.render(format), note, code })
}
