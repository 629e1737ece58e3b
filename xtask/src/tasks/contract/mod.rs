//! `cargo xtask contract`: installs Prism, Schemathesis and Redocly, runs the contract
//! tests of client, sandbox and documents with them, and prints a summary for each tool.

pub mod install;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::shared::workspace::Workspace;
use figma_payments_openapi as openapi;

use crate::shared::process::cargo;
use crate::tasks::corrected_spec;

/// The tools as the tests name them, and the runtime that each needs.
const TOOLS: [(&str, Runtime); 7] = [
    ("jsonschema", Runtime::None),
    ("httpmock", Runtime::None),
    ("Prism (bundled document)", Runtime::Node),
    ("Prism (corrected document)", Runtime::Node),
    ("Prism (proxy)", Runtime::Node),
    ("Redocly", Runtime::Node),
    ("Schemathesis", Runtime::Python),
];

/// What a tool needs besides Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    None,
    Node,
    Python,
}

/// The folder with the tools and documents, as the tests expect it.
pub fn folder() -> PathBuf {
    Workspace::locate().target().join("contract")
}

/// Runs the contract tests. If Node or Python is missing, this is an error if `CI` is set;
/// otherwise the tests that need it are skipped.
pub fn run() -> Result<String, String> {
    let missing = prepare()?;
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .args(["--test", "contract"])
        .args(["--", "--include-ignored", "--nocapture", "--test-threads=1"])
        .env("FIGMA_PAYMENTS_CONTRACT", folder())
        .stdout(Stdio::piped());
    for (runtime, _) in &missing {
        let names: &[&str] = match runtime {
            Runtime::None => &[],
            Runtime::Node => &["prism::", "redocly::"],
            Runtime::Python => &["schemathesis::"],
        };
        for name in names {
            command.args(["--skip", name]);
        }
    }
    let mut child = command.spawn().map_err(|error| format!("cargo test: {error}"))?;
    let mut reports = Reports::default();
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if !reports.take(&line) {
            println!("{line}");
        }
    }
    let passed = child.wait().map_err(|error| error.to_string())?.success();
    let (summary, complete) = reports.summary(&missing);
    match passed && complete {
        true => Ok(summary),
        false => Err(format!("{summary}a contract test failed; see its output above")),
    }
}

/// A runtime that is missing, and a message about it.
type Missing = (Runtime, String);

/// Installs the tools and writes the documents. Gives the runtimes that are missing.
pub fn prepare() -> Result<Vec<Missing>, String> {
    let folder = folder();
    write_documents(&folder.join("documents"))?;
    let mut missing = Vec::new();
    for (runtime, installed) in
        [(Runtime::Node, install::node(&folder)), (Runtime::Python, install::python(&folder))]
    {
        match installed {
            Ok(()) => {}
            Err(install::Problem::Missing(what)) if std::env::var_os("CI").is_none() => {
                println!("{what}: its tools are skipped. If CI is set, this is an error");
                missing.push((runtime, what));
            }
            Err(problem) => return Err(problem.to_string()),
        }
    }
    Ok(missing)
}

fn write_documents(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    write("bundled.yml", openapi::BUNDLED)?;
    write("corrected.json", &format!("{:#}\n", corrected_spec::whole()?))?;
    for way in corrected_spec::WAYS {
        let document = corrected_spec::with_way(way.name)?;
        write(&format!("{}.json", way.name), &format!("{document:#}\n"))?;
    }
    Ok(())
}

/// What the tests have reported for each tool.
#[derive(Default)]
struct Reports(BTreeMap<String, ToolReport>);

#[derive(Default)]
struct ToolReport {
    version: String,
    cases: usize,
}

impl Reports {
    /// Reads a line of the tests' output. True if it was a report.
    fn take(&mut self, line: &str) -> bool {
        let mut parts = line.split('\t');
        let (Some("contract"), Some(tool), Some(version), Some(cases)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let report = self.0.entry(tool.to_owned()).or_default();
        report.version = version.to_owned();
        report.cases += cases.parse::<usize>().unwrap_or_default();
        true
    }

    /// A line for each tool, and whether every tool that could run has reported.
    fn summary(&self, missing: &[Missing]) -> (String, bool) {
        let mut text = String::from("\n");
        let mut complete = true;
        for (tool, runtime) in TOOLS {
            let without = missing.iter().find(|(missing, _)| *missing == runtime);
            let result = match (self.0.get(tool), without) {
                (Some(ToolReport { version, cases }), _) => {
                    format!("{version:8} {cases:5} cases   ok")
                }
                (None, Some((_, what))) => format!("not run: {what}"),
                (None, None) => {
                    complete = false;
                    "FAILED".to_owned()
                }
            };
            let _ = writeln!(text, "{tool:27} {result}");
        }
        (text, complete)
    }
}
