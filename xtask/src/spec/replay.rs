//! `replay-spec`: compares every published version with the next, and tries every
//! distinct payments part with a dry run.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::bundled::bundled;
use super::diff::compare::diff;
use super::diff::report::Verdict;
use super::escape::escaped;
use super::lock::{Bundled, Lock};
use super::output::{Exit, Output};
use super::replace::Replacement;
use super::slice::cut::slice;
use super::slice::part::Slice;
use super::source::fetch::Fetched;
use super::source::npm::{self, Package};
use super::source::origin::{Checksum, Origin};
use super::trial;
use crate::shared::workspace::Workspace;

/// Runs `replay-spec`. With `run_tests` it also runs the whole test suite with the
/// newest document bundled.
///
/// # Errors
///
/// One line that says why it could not run.
pub fn replay(workspace: &Workspace, run_tests: bool) -> Result<Output> {
    let (_, lock) = bundled(workspace)?;
    let history = npm::history()?;
    let slices = history.iter().map(|package| slice(&Fetched::from_npm(package)?.document));
    let slices = slices.collect::<Result<Vec<_>>>()?;

    let mut report = String::new();
    let mut with_changes = 0;
    let mut with_effect = 0;
    for pair in slices.windows(2) {
        let step = diff(&pair[0], &pair[1])?;
        let verdict = step.verdict();
        let effect = step.effect();
        with_changes += usize::from(verdict != Verdict::None);
        with_effect += usize::from(effect != Verdict::None);
        let old = escaped(pair[0].version());
        let new = escaped(pair[1].version());
        let _ = writeln!(report, "{old:>7} to {new:7} verdict {verdict:10} effect {effect}");
        for change in &step.changes {
            let _ = writeln!(report, "        [{}] {}", change.id, change.message);
        }
    }
    let distinct = distinct(&history, &slices);
    for Distinct { slice, packages } in &distinct {
        let first = packages[0];
        let last = packages[packages.len() - 1];
        let files = dry_run(workspace, &lock, last, slice)?;
        let versions = format!("{} to {}", first.version, last.version);
        let _ = writeln!(report, "slice {} ({versions}): the dry run passes", &slice.hash()[..12]);
        if run_tests && last == &history[history.len() - 1] {
            trial::test(workspace, &files)?;
            let _ = writeln!(report, "with {} bundled: the test suite passes", last.version);
        }
    }
    let note = format!(
        "{} versions, {} steps: {with_changes} with changes, {with_effect} with an effect on this crate; {} distinct payments parts",
        history.len(),
        slices.len().saturating_sub(1),
        distinct.len(),
    );
    let exit = if with_effect == 0 { Exit::Success } else { Exit::Threshold };
    Ok(Output { report, note, exit })
}

/// A payments part, and the versions that have it.
struct Distinct<'a> {
    slice: &'a Slice,
    packages: Vec<&'a Package>,
}

fn distinct<'a>(history: &'a [Package], slices: &'a [Slice]) -> Vec<Distinct<'a>> {
    let mut distinct: Vec<Distinct<'_>> = Vec::new();
    for (package, slice) in history.iter().zip(slices) {
        match distinct.iter_mut().find(|it| it.slice.hash() == slice.hash()) {
            Some(known) => known.packages.push(package),
            None => distinct.push(Distinct { slice, packages: vec![package] }),
        }
    }
    distinct
}

fn dry_run(
    workspace: &Workspace,
    lock: &Lock,
    package: &Package,
    slice: &Slice,
) -> Result<Vec<Replacement>> {
    let checksum = Checksum::Npm(package.clone());
    let origin = Origin { description: package.to_string(), checksum };
    let text = slice.to_yaml(&origin.description)?;
    let bundled = Bundled::new(&origin, slice, &text);
    let lock = Lock { bundled, reviewed: lock.reviewed.clone() };
    let files = trial::dry_run(workspace, text, &lock);
    files.with_context(|| format!("{package}: the dry run failed"))
}
