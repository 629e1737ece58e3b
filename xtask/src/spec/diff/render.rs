//! Writes a report as text, Markdown or JSON.

use std::fmt::Write as _;
use std::str::FromStr;

use anyhow::{Result, bail};

use super::report::{Change, CorrectionState, Report, Verdict};
use crate::spec::escape;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For pull requests.
    Markdown,
}

impl FromStr for Format {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "text" => Format::Text,
            "json" => Format::Json,
            "markdown" => Format::Markdown,
            _ => bail!("the format `{text}` does not exist; use text, json or markdown"),
        })
    }
}

impl Report {
    /// Writes the report, with a newline at the end. Control characters from the documents
    /// are escaped, so that a report cannot control a terminal.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => escape::json(&self.to_json()) + "\n",
            Format::Markdown => self.markdown(),
        }
    }

    fn headline(&self) -> String {
        let (breaking, compatible) = self.counts();
        let count = breaking + compatible;
        let changes = if count == 1 { "change" } else { "changes" };
        format!("{count} {changes}: {breaking} breaking, {compatible} compatible")
    }

    /// The effect on this crate, in one sentence.
    fn effect_in_words(&self) -> String {
        match (&self.effect, self.effect()) {
            (Err(error), _) => format!("breaking; a document cannot be corrected: {error}"),
            (Ok(_), Verdict::None) => {
                "none; after the corrections both documents are the same".to_owned()
            }
            (Ok(left), effect) => format!(
                "{effect}; {} of {} changes are left after the corrections",
                left.len(),
                self.changes.len()
            ),
        }
    }

    fn text(&self) -> String {
        let mut out = format!("{}\n", self.headline());
        let Report { old, new, .. } = self;
        let _ = writeln!(out, "old: {old}\nnew: {new}");
        write_changes(&mut out, &self.changes);
        let _ = writeln!(out, "\nverdict, as published: {}", self.verdict());
        if !self.changes.is_empty() {
            let _ = writeln!(out, "effect on this crate: {}", self.effect_in_words());
            if let Ok(left) = &self.effect {
                write_changes(&mut out, left);
            }
        }
        out.push_str("\ncorrections on the new document:\n");
        for state in &self.corrections {
            let CorrectionState { id, outcome } = state;
            let _ = match outcome {
                Ok(outcome) => writeln!(out, "  {id:24} {outcome}"),
                Err(error) => writeln!(out, "  {id:24} error: {error}"),
            };
        }
        if self.corrections.is_empty() {
            out.push_str("  none could be tried\n");
        }
        out
    }

    fn markdown(&self) -> String {
        let Report { old, new, .. } = self;
        let mut out = format!("## {}\n\nFrom {old} to {new}.\n\n", self.headline());
        let _ = writeln!(out, "- Verdict, as published: **{}**", self.verdict());
        if !self.changes.is_empty() {
            let _ = writeln!(out, "- Effect on this crate: **{}**", cell(&self.effect_in_words()));
        }
        write_table(&mut out, "As published", &self.changes);
        if let Ok(left) = &self.effect {
            write_table(&mut out, "Left after the corrections", left);
        }
        out.push_str(
            "\n### Corrections on the new document\n\n| correction | outcome |\n|---|---|\n",
        );
        for state in &self.corrections {
            let outcome = match &state.outcome {
                Ok(outcome) => outcome.clone(),
                Err(error) => format!("**error**: {error}"),
            };
            let _ = writeln!(out, "| `{}` | {} |", state.id, cell(&outcome));
        }
        out
    }
}

fn write_changes(out: &mut String, changes: &[Change]) {
    for change in changes {
        let Change { wire, api, id, .. } = change;
        let _ = writeln!(out, "\nwire {wire:10} api {api:10} [{id}]");
        let _ = writeln!(out, "  {}", change.message);
    }
}

fn write_table(out: &mut String, title: &str, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### {title}\n\n| wire | api | check | what |\n|---|---|---|---|");
    for change in changes {
        let Change { wire, api, id, .. } = change;
        let _ = writeln!(out, "| {wire} | {api} | `{id}` | {} |", cell(&change.message));
    }
}

/// Text for a table cell, which must not end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
