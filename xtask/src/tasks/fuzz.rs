//! `cargo xtask fuzz`: runs every fuzz target, one after the other. It starts from the
//! inputs in `fuzz/seeds`. Inputs that a run finds stay in `fuzz/corpus`, and inputs that
//! crash a target in `fuzz/artifacts`; neither is committed.

use std::path::Path;
use std::process::Command;

const INSTALL: &str =
    "cargo-fuzz is not installed; install it with `cargo install --locked cargo-fuzz`";

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let seeds = root.join("seeds");
    let entries = std::fs::read_dir(&seeds).map_err(|error| format!("{seeds:?}: {error}"))?;
    let mut targets: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    targets.sort();
    for target in &targets {
        let corpus = root.join("corpus").join(target);
        std::fs::create_dir_all(&corpus).map_err(|error| format!("{corpus:?}: {error}"))?;
        let option = match limit {
            Limit::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Limit::Inputs(inputs) => format!("-runs={inputs}"),
        };
        // libFuzzer prints a line for each new input; the last lines have the totals.
        let output = Command::new("cargo")
            .current_dir(root.join(".."))
            .args(["fuzz", "run", target, "--sanitizer", "none"])
            .args([corpus, seeds.join(target)])
            .args(["--", &option, "-print_final_stats=1", "-verbosity=1", "-timeout=30"])
            .output()
            .map_err(|error| format!("{INSTALL} ({error})"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let tail: Vec<&str> = said.lines().rev().take(30).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            let hint = if said.contains("no such command") { INSTALL } else { "" };
            return Err(format!("fuzz target {target} failed\n{}\n{hint}", tail.join("\n")));
        }
        let inputs =
            said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        println!("fuzz {target}: {} inputs, no crash", inputs.unwrap_or(" unknown").trim());
    }
    Ok(format!("{} fuzz targets\n", targets.len()))
}
