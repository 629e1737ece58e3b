//! `cargo xtask fuzz`: every fuzz target in turn, for some seconds or for a
//! number of inputs. The seeds are checked in; what a run finds stays in
//! `fuzz/corpus`, a crash in `fuzz/artifacts`.

use std::path::Path;
use std::process::Command;

const INSTALL: &str = "cargo-fuzz is missing; `cargo install cargo-fuzz` installs it";

/// How long each target runs.
#[derive(Debug, Clone, Copy)]
pub enum Effort {
    /// For this many seconds.
    Seconds(u32),
    /// For this many inputs.
    Inputs(u32),
}

impl Effort {
    /// Reads `--seconds N` or `--inputs N`.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let number = |text: &String| {
            text.parse()
                .map_err(|_| format!("{text} is not a number; something like 20 is expected"))
        };
        match arguments {
            [] => Ok(Effort::Seconds(20)),
            [name, value] if name == "--seconds" => Ok(Effort::Seconds(number(value)?)),
            [name, value] if name == "--inputs" => Ok(Effort::Inputs(number(value)?)),
            _ => Err("give `--seconds N`, `--inputs N` or nothing".to_owned()),
        }
    }
}

/// Runs all targets; the first that crashes ends it.
pub fn run(effort: Effort) -> Result<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let seeds = root.join("seeds");
    let entries = std::fs::read_dir(&seeds).map_err(|error| format!("{seeds:?}: {error}"))?;
    let mut targets: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    targets.sort();
    for target in &targets {
        let corpus = root.join("corpus").join(target);
        std::fs::create_dir_all(&corpus).map_err(|error| format!("{corpus:?}: {error}"))?;
        let limit = match effort {
            Effort::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Effort::Inputs(inputs) => format!("-runs={inputs}"),
        };
        // libFuzzer writes a line for each find; the last ones tell the sum.
        let output = Command::new("cargo")
            .current_dir(root.join(".."))
            .args(["fuzz", "run", target, "--sanitizer", "none"])
            .args([corpus, seeds.join(target)])
            .args(["--", &limit, "-print_final_stats=1", "-verbosity=1", "-timeout=30"])
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
        println!("fuzz {target}: {} inputs, no panic", inputs.unwrap_or(" unknown").trim());
    }
    Ok(format!("{} fuzz targets\n", targets.len()))
}
