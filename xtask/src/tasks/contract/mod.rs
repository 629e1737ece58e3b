//! `cargo xtask contract`: installs the tools that others wrote, lets them judge
//! client, sandbox and documents, and ends with a line for each of them.

pub mod install;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shared::workspace::Workspace;
use figma_payments_openapi as openapi;

use crate::tasks::corrected_spec;

/// What the tests report under, and what each needs to run.
const TOOLS: [(&str, Needs); 7] = [
    ("jsonschema", Needs::Nothing),
    ("httpmock", Needs::Nothing),
    ("Prism (bundled document)", Needs::Node),
    ("Prism (corrected document)", Needs::Node),
    ("Prism (proxy)", Needs::Node),
    ("Redocly", Needs::Node),
    ("Schemathesis", Needs::Python),
];

/// What a tool runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    Node,
    Python,
}

/// Where tools and documents are put: the tests look there.
pub fn folder() -> PathBuf {
    Workspace::locate().target().join("contract")
}

/// Cargo in the checkout, as if it had been called from a shell: with the
/// variables that `cargo run` sets, ring and all that needs it is built again.
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(Workspace::locate().root());
    for (name, _) in std::env::vars_os() {
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if ours.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs everything that can be run. Without Node or Python that is an error
/// where `CI` is set, and elsewhere a line that says so.
pub fn run() -> Result<String, String> {
    let missing = prepare()?;
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .args(["--test", "contract"])
        .args(["--", "--include-ignored", "--nocapture", "--test-threads=1"])
        .env("FIGMA_PAYMENTS_CONTRACT", folder())
        .stdout(Stdio::piped());
    for (needs, _) in &missing {
        let names: &[&str] = match needs {
            Needs::Nothing => &[],
            Needs::Node => &["prism::", "redocly::"],
            Needs::Python => &["schemathesis::"],
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
        false => Err(format!("{summary}the contract does not hold; the tests above say where")),
    }
}

/// Installs the tools and writes the documents; gives what could not be had.
pub fn prepare() -> Result<Vec<(Needs, String)>, String> {
    let folder = folder();
    write_documents(&folder.join("documents"))?;
    let mut missing = Vec::new();
    for (needs, installed) in
        [(Needs::Node, install::node(&folder)), (Needs::Python, install::python(&folder))]
    {
        match installed {
            Ok(()) => {}
            Err(install::Problem::Missing(what)) if std::env::var_os("CI").is_none() => {
                println!("{what}: its tools are left out; with CI set this is an error");
                missing.push((needs, what));
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
    for (way, _) in corrected_spec::WAYS {
        write(&format!("{way}.json"), &format!("{:#}\n", corrected_spec::view(way)?))?;
    }
    Ok(())
}

/// Version and cases of each tool, as the tests report them.
#[derive(Default)]
struct Reports(BTreeMap<String, (String, usize)>);

impl Reports {
    /// Whether the line was a report.
    fn take(&mut self, line: &str) -> bool {
        let mut parts = line.split('\t');
        let (Some("contract"), Some(tool), Some(version), Some(cases)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let entry = self.0.entry(tool.to_owned()).or_default();
        *entry = (version.to_owned(), entry.1 + cases.parse::<usize>().unwrap_or_default());
        true
    }

    /// A line for each tool, and whether none failed.
    fn summary(&self, missing: &[(Needs, String)]) -> (String, bool) {
        let (mut text, mut complete) = (String::from("\n"), true);
        for (tool, needs) in TOOLS {
            let without = missing.iter().find(|(missing, _)| *missing == needs);
            let result = match (self.0.get(tool), without) {
                (Some((version, cases)), _) => format!("{version:8} {cases:5} cases   ok"),
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
