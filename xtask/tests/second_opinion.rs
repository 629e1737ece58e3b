//! An independent second opinion on the table of mutations: `redocly diff`.
//! It needs Node.js and a download, so it runs only when asked for:
//!
//! ```sh
//! npm install --prefix target/redocly @redocly/cli@2.77
//! REDOCLY=target/redocly/node_modules/.bin/redocly \
//!     cargo test --package xtask --test second_opinion -- --ignored
//! ```
//!
//! It writes `redocly.md` beside this file.

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use common::mutations::{self, Expected, Mutation};
use serde_json::Value;
use xtask::spec::diff::report::Level;

fn verdict(changes: &[Expected]) -> &'static str {
    let breaks = |it: &Expected| it.wire.max(it.api) == Level::Breaking;
    match (changes.is_empty(), changes.iter().any(breaks)) {
        (true, _) => "none",
        (_, true) => "breaking",
        (_, false) => "compatible",
    }
}

/// The verdict of redocly on a step: major, minor, patch or none.
fn opinion(redocly: &Path, folder: &Path, old: &Value, new: &Value) -> String {
    for (name, root) in [("old.json", old), ("new.json", new)] {
        std::fs::write(folder.join(name), format!("{root:#}")).unwrap();
    }
    let output = Command::new(redocly)
        .args(["diff", "--format", "json", "--fail-on", "none", "old.json", "new.json"])
        .env("REDOCLY_TELEMETRY", "off")
        .current_dir(folder)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    report["bump"].as_str().unwrap_or("none").to_owned()
}

#[test]
#[ignore = "needs the network once, and REDOCLY"]
fn where_redocly_says_major_and_this_tool_does_not_the_table_says_why() {
    let redocly = std::env::var("REDOCLY").expect("REDOCLY names redocly's program");
    // Tests run in the package's folder; the variable is about the workspace.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let redocly = root.join(redocly);
    let folder = tempfile::tempdir().unwrap();
    let mut agree = 0;
    let mut rows = String::new();
    let mut unexplained = Vec::new();
    let all = mutations::all();
    for Mutation { what, base, root, is, back, why } in &all {
        for (way, old, new, expected) in [("there", base, root, is), ("back", root, base, back)] {
            let ours = verdict(expected);
            let theirs = opinion(&redocly, folder.path(), old, new);
            let same = (ours == "breaking") == (theirs == "major");
            agree += usize::from(same);
            if same {
                continue;
            }
            if theirs == "major" && why.is_empty() {
                unexplained.push(format!("{what}, {way}: ours is {ours}"));
            }
            let wire = expected.iter().any(|it| it.wire == Level::Breaking);
            let why = match theirs.as_str() {
                "major" => why,
                _ if expected.iter().any(|it| it.id == "unknown") => "unknown here, so breaking",
                _ if wire => "stricter here: a client that follows the document breaks",
                _ => "nothing breaks on the wire, but the Rust types change",
            };
            let ids: Vec<_> = expected.iter().map(|it| it.id.as_str()).collect();
            let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            writeln!(rows, "| {what} | {way} | {ours} | {theirs} | {ids} | {why} |").unwrap();
        }
    }
    let total = 2 * all.len();
    let text = format!(
        "# A second opinion\n\n\
         `redocly diff` 2.77 on the {} mutations of `mutations.yml`, there and back, {total} steps.\n\
         Breaking here and major there, or neither: {agree} of {total}. The others are below.\n\
         Written by `second_opinion.rs`.\n\n\
         | change | way | here | redocly | what this tool says | why |\n|---|---|---|---|---|---|\n{rows}",
        all.len()
    );
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redocly.md"), text).unwrap();
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}
