//! Mutation testing with cargo-mutants: it changes the library in one small way at a time
//! (a mutant), and some test has to fail. A mutant that no test catches needs an entry in
//! `survivors.toml`.
//!
//! To keep a mutant cheap, only the tests that are about the mutated code are built and
//! run, in one copy of the checkout with its own target folder, so that cargo compiles
//! incrementally from one mutant to the next. cargo-nextest runs the tests, because it
//! stops all of them as soon as one fails: a mutant with an endless loop is mostly caught by
//! another test long before it would time out. Results stay below `target/deep/mutants`.
//!
//! Other work on the machine makes tests fail that measure time, and such a mutant counts
//! as caught. So run this on a machine that does nothing else.

mod outcomes;
mod survivors;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use outcomes::Outcomes;
use survivors::Survivors;

use crate::shared::exclusive::Exclusive;
use crate::shared::process::{captured, cargo, install_subcommand};
use crate::shared::workspace::{Workspace, copy_folder};

const PACKAGE: &str = "figma-payments";

/// The package with the tests of metrics and spans.
const TELEMETRY: &str = "figma-payments-telemetry";

/// The folders whose code is mutated.
const ROOMS: [&str; 3] = ["src/model", "src/client", "src/cache"];

/// The test programs that judge these folders, besides the library's unit tests.
const TEST_PROGRAMS: [&str; 4] = ["client", "cache", "faults", "telemetry"];

/// Files that are not compiled with these features.
const NOT_COMPILED: &str = "src/**/no_metrics.rs";

/// The features that this code and these tests need.
const FEATURES: &str = "cache,metrics,sandbox,schemars";

/// How the tests are built and run. Incremental builds without debug information are the
/// fastest. With a little optimization the tests take a quarter of the time. More threads
/// than two cores have, because many tests wait.
const SETTINGS: [(&str, &str); 4] = [
    ("CARGO_INCREMENTAL", "1"),
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
    ("NEXTEST_TEST_THREADS", "4"),
];

/// A mutant has timed out when its tests take this many times as long as without it.
const TIMEOUT_MULTIPLIER: &str = "3";

/// The share of viable mutants that has to be caught, in percent.
const LEAST_SHARE: f64 = 97.0;

/// One of `count` equal parts of the mutants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 0 to `count` - 1.
    index: u32,
    count: u32,
}

impl FromStr for Part {
    type Err = String;

    /// Reads `K/N`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, count)) if index < count => Ok(Part { index, count }),
            _ => Err(format!("`{text}` is not a part of the mutants; use K/N, K from 0 to N-1")),
        }
    }
}

/// Tries all mutants or a part of them.
pub fn run(part: Option<Part>) -> Result<(), String> {
    let survivors = Survivors::parse(include_str!("survivors.toml"))?;
    for tool in ["mutants", "nextest"] {
        install_subcommand(tool)?;
        let mut version = cargo();
        version.args([tool, "--version"]);
        let printed = captured(version, "cargo cannot be run")?.stdout;
        println!("{}", printed.lines().next().unwrap_or_default());
    }

    let workspace = Workspace::locate();
    let folder = workspace.target().join("deep/mutants");
    let _lock = Exclusive::take(&folder.join("lock")).map_err(|error| format!("{error:#}"))?;
    let copy = folder.join("checkout");
    let _ = fs::remove_dir_all(&copy);
    copy_folder(workspace.root(), &copy).map_err(|error| format!("{error:#}"))?;

    let results = folder.join(match part {
        Some(Part { index, count }) => format!("{index}-of-{count}"),
        None => "all".to_owned(),
    });
    let mut command = cargo_mutants(&copy, &folder.join("target"), &results, part)?;
    // Without the results of an earlier run, which could be taken for those of this one.
    let _ = fs::remove_dir_all(&results);
    fs::create_dir_all(&results).map_err(|error| format!("{}: {error}", results.display()))?;
    // It also fails if a mutant survives, so what counts is the file with its results.
    let status = command.status();
    let status = status.map_err(|error| format!("cargo mutants: {error}"))?;

    let path = results.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&path).map_err(|error| {
        format!("cargo mutants wrote no results ({status}, {}: {error})", path.display())
    })?;
    let outcomes =
        Outcomes::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    print!("{}", outcomes.summary());
    judge(&outcomes, &survivors, part.is_none())
}

/// The command. Nothing is read from a configuration file.
fn cargo_mutants(
    copy: &Path,
    target: &Path,
    results: &Path,
    part: Option<Part>,
) -> Result<Command, String> {
    let mut command = cargo();
    command
        .current_dir(copy)
        .args(["mutants", "--no-config", "--in-place", "--colors", "never"])
        .arg("--output")
        .arg(results)
        .args(["--package", PACKAGE, "--features", FEATURES])
        .args(["--timeout-multiplier", TIMEOUT_MULTIPLIER, "--test-tool", "nextest"])
        .args(["--exclude", NOT_COMPILED])
        // As --cargo-arg, because --test-package knows no package that is tests alone.
        .arg(format!("--cargo-arg=--package={TELEMETRY}"))
        // As --cargo-arg it also keeps other test programs from being built.
        .arg("--cargo-arg=--lib");
    for program in TEST_PROGRAMS {
        command.arg(format!("--cargo-arg=--test={program}"));
    }
    for room in ROOMS {
        if !copy.join(room).is_dir() {
            return Err(format!("the folder {room} does not exist; adjust ROOMS in mutants.rs"));
        }
        command.args(["--file", &format!("{room}/**")]);
    }
    if let Some(Part { index, count }) = part {
        // Round-robin, so that every part has mutants of every folder.
        command.args(["--sharding", "round-robin", "--shard", &format!("{index}/{count}")]);
    }
    // For the run of the tests alone, after all other arguments.
    command.args(["--", "--max-fail=1:immediate"]);
    command.envs(SETTINGS).env("CARGO_TARGET_DIR", target);
    // With it the random tests would take hours.
    command.env_remove("FIGMA_PAYMENTS_DEEP");
    Ok(command)
}

/// Compares the missed mutants with the list of survivors. The share is only judged if
/// all mutants were tried: in a small part a single mutant changes it too much.
fn judge(outcomes: &Outcomes, survivors: &Survivors, all_tried: bool) -> Result<(), String> {
    let unlisted = survivors.unlisted(&outcomes.missed);
    if !unlisted.is_empty() {
        let names = unlisted.iter().map(|it| format!("  {}\n", it.name)).collect::<String>();
        return Err(format!(
            "no test catches these mutants:\n{names}Add a test, or an entry in {} with the reason why none is needed",
            survivors::FILE
        ));
    }
    if all_tried {
        for entry in survivors.not_needed(&outcomes.missed) {
            println!("{}: no longer needed: {}: {}", survivors::FILE, entry.file, entry.mutant);
        }
        if outcomes.share() < LEAST_SHARE {
            return Err(format!(
                "{:.1} % of the mutants are caught; {LEAST_SHARE} % is the least that is accepted",
                outcomes.share()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn a_part_counts_from_0() {
        assert_eq!("1/8".parse(), Ok(Part { index: 1, count: 8 }));
        for text in ["8/8", "1/0", "1/", "-1/8", "a/b", "../x", "1"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
