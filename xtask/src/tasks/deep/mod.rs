//! `cargo xtask deep`: tests that take too long for `.ci/run`. They are run before a
//! release, and after a change of the code that they test.

mod defects;
mod mutants;
mod release;
mod worker;

use crate::shared::process::{cargo, succeed};
use crate::tasks::fuzz::{self, Limit};

/// Prints its results. An error if a test fails or a figure is not good enough.
type Drill = fn() -> Result<(), String>;

const DRILLS: [(&str, Drill); 10] = [
    ("histories", histories),
    ("fuzz", fuzz),
    ("sandbox", sandbox),
    ("bulk", bulk),
    ("many", many),
    ("fleet", fleet),
    ("worker", worker::run),
    ("release", release::run),
    ("defects", defects::run),
    ("mutants", || mutants::run(None)),
];

/// Runs the named drills, or all of them. `mutants K/N` runs a part of the mutants.
pub fn run(names: &[String]) -> Result<String, String> {
    if let [drill, part] = names
        && drill == "mutants"
        && part.contains('/')
    {
        return mutants::run(Some(part.parse()?)).map(|()| String::new());
    }
    let known = DRILLS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("`{unknown}` is not a drill; the drills are {}", known.join(", ")));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for (name, drill) in DRILLS.into_iter().filter(|(name, _)| wanted(name)) {
        println!("== {name}");
        drill()?;
    }
    Ok(String::new())
}

/// Random histories of the cache and of the rate limiter, a hundred thousand each.
fn histories() -> Result<(), String> {
    let mut command = cargo();
    command
        .args(["test", "--release", "--package", "figma-payments", "--all-features", "--lib"])
        .args(["--", "histories", "--nocapture"])
        .env("FIGMA_PAYMENTS_DEEP", "1");
    succeed(&mut command)
}

/// Every fuzz target with a million inputs.
fn fuzz() -> Result<(), String> {
    fuzz::run(Limit::Inputs(1_000_000)).map(|summary| print!("{summary}"))
}

/// The sandbox under load, after SIGKILL, and with idle connections.
fn sandbox() -> Result<(), String> {
    tests("drills", Some("sandbox::"), &[])
}

/// `figma-payments bulk`, killed and continued a hundred times.
fn bulk() -> Result<(), String> {
    tests("drills", Some("bulk::"), &[])
}

/// The memory that a million questions need.
fn many() -> Result<(), String> {
    tests("memory", None, &["--release"])
}

/// Processes on real Redis servers: histories of both stores and of the shared limit, and the
/// drills in full, which take half an hour.
fn fleet() -> Result<(), String> {
    let tests = |package: &str, options: &[&str], filter: &str, set: (&str, &str)| {
        let mut command = cargo();
        command.args(["test", "--package", package, "--all-features"]).args(options);
        command.args(["--", "--nocapture", "--test-threads=1", filter]);
        succeed(command.env(set.0, set.1).env("CI", "true"))
    };
    let fleet = "figma-payments-fleet";
    tests("figma-payments", &["--lib"], "conformance", ("FIGMA_PAYMENTS_HISTORIES", "2000"))?;
    tests(fleet, &["--test", "pace"], "histor", ("FIGMA_PAYMENTS_HISTORIES", "1000"))?;
    tests(fleet, &["--test", "drills"], "", ("FIGMA_PAYMENTS_DRILLS", "1"))
}

/// Runs the tests of this program with their full size; those of one module, if it is
/// named.
fn tests(program: &str, module: Option<&str>, options: &[&str]) -> Result<(), String> {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--all-features"])
        .args(options)
        .args(["--test", program, "--", "--nocapture", "--test-threads=1"])
        .args(module)
        .env("FIGMA_PAYMENTS_DEEP", "1");
    succeed(&mut command)
}
