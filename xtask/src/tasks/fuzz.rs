//! `cargo xtask fuzz`: runs every fuzz target, one after the other. It starts from the
//! inputs in `fuzz/seeds`. Inputs that a run finds stay in `fuzz/corpus`, and inputs that
//! crash a target in `fuzz/artifacts`; neither is committed. It does what `cargo fuzz run`
//! does without a sanitizer (this project has no `unsafe`), so that cargo-fuzz need not be
//! installed. All targets are built at once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shared::process::{captured, cargo, succeed};
use crate::shared::workspace::Workspace;

/// What libFuzzer needs from the compiler: counters of what has been run, and what it was
/// compared with. `fuzzing` is the name by which the library knows it.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0";

/// How long each target runs.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// For this many seconds.
    Seconds(u32),
    /// For this many inputs.
    Inputs(u32),
}

impl Limit {
    /// Reads `--seconds N` or `--inputs N`.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let number = |text: &String| {
            text.parse()
                .map_err(|_| format!("`{text}` is not a number; a number like 20 is expected"))
        };
        match arguments {
            [] => Ok(Limit::Seconds(20)),
            [name, value] if name == "--seconds" => Ok(Limit::Seconds(number(value)?)),
            [name, value] if name == "--inputs" => Ok(Limit::Inputs(number(value)?)),
            _ => Err("usage: cargo xtask fuzz [--seconds N | --inputs N]".to_owned()),
        }
    }
}

/// Runs all targets. Stops at the first crash.
pub fn run(limit: Limit) -> Result<String, String> {
    let workspace = Workspace::locate();
    let root = workspace.root().join("fuzz");
    let programs = build(&workspace, &root)?;
    let mut targets = names(&root.join("seeds"))?;
    targets.sort();
    for target in &targets {
        let [corpus, artifacts] =
            ["corpus", "artifacts"].map(|folder| root.join(folder).join(target));
        for folder in [&corpus, &artifacts] {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let limit = match limit {
            Limit::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Limit::Inputs(inputs) => format!("-runs={inputs}"),
        };
        let program = programs.join(target);
        // libFuzzer prints a line for each new input; the last lines have the totals.
        let output = Command::new(&program)
            .args([&corpus, &root.join("seeds").join(target)])
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(limit)
            .args(["-print_final_stats=1", "-verbosity=1", "-timeout=30"])
            .output()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let tail: Vec<&str> = said.lines().rev().take(30).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            return Err(format!("fuzz target {target} failed\n{}", tail.join("\n")));
        }
        let inputs =
            said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        println!("fuzz {target}: {} inputs, no crash", inputs.unwrap_or(" unknown").trim());
    }
    Ok(format!("{} fuzz targets\n", targets.len()))
}

/// Builds the targets and gives the folder that their programs are in.
fn build(workspace: &Workspace, root: &Path) -> Result<PathBuf, String> {
    let mut version = Command::new("rustc");
    version.arg("-vV");
    let version = captured(version, "rustc cannot be run")?.stdout;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc -vV does not name the host")?;
    // LLVM can count the depth of the stack only on Linux.
    let depth = match cfg!(target_os = "linux") {
        true => " -Cllvm-args=-sanitizer-coverage-stack-depth",
        false => "",
    };
    // With a target, the flags are not for build scripts, which are the same as elsewhere.
    succeed(
        cargo()
            .args(["build", "--quiet", "--bins", "--target", host])
            .arg("--manifest-path")
            .arg(root.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(workspace.target())
            .env("RUSTFLAGS", format!("{FLAGS}{depth}")),
    )?;
    Ok(workspace.target().join(host).join("debug"))
}

/// The names of the files and folders in a folder.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}
