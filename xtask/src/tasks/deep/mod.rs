//! `cargo xtask deep`: what takes too long for the gate, run before a release
//! and after a change of what it drills.

mod defects;
mod release;
mod worker;

use crate::tasks::contract;
use crate::tasks::fuzz::{self, Effort};
use crate::tasks::wasm::succeed;

/// Prints its figures, and fails if they are wrong.
type Drill = fn() -> Result<(), String>;

const DRILLS: [(&str, Drill); 8] = [
    ("histories", histories),
    ("fuzz", fuzz),
    ("sandbox", sandbox),
    ("bulk", bulk),
    ("many", many),
    ("worker", worker::run),
    ("release", release::run),
    ("defects", defects::run),
];

/// Runs the drills that are named, or all.
pub fn run(names: &[String]) -> Result<String, String> {
    let known = DRILLS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("{unknown} is no drill; {} are", known.join(", ")));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for (name, drill) in DRILLS.into_iter().filter(|(name, _)| wanted(name)) {
        println!("== {name}");
        drill()?;
    }
    Ok(String::new())
}

/// A hundred thousand histories of the cache and as many of the rate limiter.
fn histories() -> Result<(), String> {
    let mut command = contract::cargo();
    command
        .args(["test", "--release", "--package", "figma-payments", "--all-features", "--lib"])
        .args(["--", "histories", "--nocapture"])
        .env("FIGMA_PAYMENTS_DEEP", "1");
    succeed(&mut command)
}

/// A million inputs for every fuzz target.
fn fuzz() -> Result<(), String> {
    fuzz::run(Effort::Inputs(1_000_000)).map(|summary| print!("{summary}"))
}

/// The sandbox under load, SIGKILL and idle connections, in full.
fn sandbox() -> Result<(), String> {
    tests("drills", Some("sandbox::"), &[])
}

/// `figma-payments bulk`, killed a hundred times.
fn bulk() -> Result<(), String> {
    tests("drills", Some("bulk::"), &[])
}

/// A million questions, and the memory they take.
fn many() -> Result<(), String> {
    tests("memory", None, &["--release"])
}

/// The tests of this test program, in full; only those of a module, if it is named.
fn tests(program: &str, module: Option<&str>, options: &[&str]) -> Result<(), String> {
    let mut command = contract::cargo();
    command
        .args(["test", "--workspace", "--all-features"])
        .args(options)
        .args(["--test", program, "--", "--nocapture", "--test-threads=1"])
        .args(module)
        .env("FIGMA_PAYMENTS_DEEP", "1");
    succeed(&mut command)
}
