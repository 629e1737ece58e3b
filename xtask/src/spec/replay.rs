//! `replay-spec`: the published history, each version against the next, and
//! every distinct slice through the dry run.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::shared::workspace::Workspace;
use crate::spec::diff::{Verdict, diff};
use crate::spec::lock::{Bundled, Lock};
use crate::spec::replace::Replacement;
use crate::spec::slice::{Slice, slice};
use crate::spec::source::npm::{self, Package};
use crate::spec::source::{Checksum, Fetched, Origin};
use crate::spec::update::{DONE, Said, THRESHOLD};

/// Runs `replay-spec`; with `tests` also the whole test suite, with the newest
/// document in place of the bundled one.
///
/// # Errors
///
/// One line on why it could not run.
pub fn replay(workspace: &Workspace, tests: bool) -> Result<Said> {
    let (_, lock) = workspace.bundled()?;
    let history = npm::history()?;
    let slices = history.iter().map(|package| slice(&Fetched::of(package)?.document));
    let slices = slices.collect::<Result<Vec<_>>>()?;

    let mut report = String::new();
    let (mut verdicts, mut effects) = (0, 0);
    for pair in slices.windows(2) {
        let step = diff(&pair[0], &pair[1])?;
        let (verdict, effect) = (step.verdict(), step.effect());
        verdicts += usize::from(verdict != Verdict::None);
        effects += usize::from(effect != Verdict::None);
        let (old, new) = (pair[0].version(), pair[1].version());
        let _ = writeln!(report, "{old:>7} to {new:7} verdict {verdict:10} effect {effect}");
        for change in &step.changes {
            let _ = writeln!(report, "        [{}] {}", change.id, change.message);
        }
    }
    let distinct = distinct(&history, &slices);
    for (packages, slice) in &distinct {
        let (first, last) = (&packages[0], &packages[packages.len() - 1]);
        let files = dry_run(workspace, &lock, last, slice)?;
        let versions = format!("{} to {}", first.version, last.version);
        let _ = writeln!(report, "slice {} ({versions}): the dry run passes", &slice.hash()[..12]);
        if tests && *last == &history[history.len() - 1] {
            workspace.test(&files)?;
            let _ = writeln!(report, "with {} bundled: the test suite passes", last.version);
        }
    }
    let note = format!(
        "{} versions, {} steps: {verdicts} with a verdict other than none, {effects} with an effect on this crate; {} distinct slices",
        history.len(),
        slices.len().saturating_sub(1),
        distinct.len(),
    );
    let code = if effects == 0 { DONE } else { THRESHOLD };
    Ok(Said { report, note, code })
}

/// Each slice once, with the packages that have it.
fn distinct<'a>(history: &'a [Package], slices: &'a [Slice]) -> Vec<(Vec<&'a Package>, &'a Slice)> {
    let mut distinct: Vec<(Vec<&Package>, &Slice)> = Vec::new();
    for (package, slice) in history.iter().zip(slices) {
        match distinct.iter_mut().find(|(_, it)| it.hash() == slice.hash()) {
            Some((packages, _)) => packages.push(package),
            None => distinct.push((vec![package], slice)),
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
    let origin = Origin { words: package.to_string(), checksum: Checksum::Npm(package.clone()) };
    let text = slice.to_yaml(&origin.words)?;
    let bundled = Bundled::new(&origin, slice, &text);
    let lock = Lock { bundled, reviewed: lock.reviewed.clone() };
    let files = workspace.dry_run(text, &lock);
    files.with_context(|| format!("{package}: the dry run refuses it"))
}
