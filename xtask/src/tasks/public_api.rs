//! `cargo xtask public-api`: lists the public API, and compares it with the list in
//! `tests/snapshots/public-api.txt`, so that every change of it shows up in a review.

use std::fs;
use std::process::{Command, ExitCode};

use crate::shared::workspace::Workspace;

use crate::shared::process::{captured, cargo, succeed};

/// The version of Rust whose JSON documentation the `public-api` crate can read.
const RUST: &str = "1.95";

/// Tells this program that it is called in place of rustdoc.
const AS_RUSTDOC: &str = "FIGMA_PAYMENTS_AS_RUSTDOC";

const LISTING: &str = "tests/snapshots/public-api.txt";

/// Prints the list, or compares it with the committed one.
pub fn run(arguments: &[String]) -> Result<String, String> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("usage: cargo xtask public-api [--check]".to_owned()),
    };
    if !rustc()?.starts_with(&format!("rustc {RUST}.")) {
        let why = format!("public-api: skipped, because it needs Rust {RUST}\n");
        return if check { Ok(why) } else { Err(why) };
    }
    let listed = listing()?;
    if !check {
        return Ok(listed);
    }
    let path = Workspace::locate().root().join(LISTING);
    let expected = fs::read_to_string(&path).map_err(|error| format!("{LISTING}: {error}"))?;
    match changes(&expected, &listed) {
        changes if changes.is_empty() => {
            Ok(format!("public-api: {} items\n", listed.lines().count()))
        }
        changes => Err(format!(
            "the public API differs from {LISTING}:\n{changes}\
             If this is intended, run cargo xtask public-api > {LISTING} and say so in CHANGELOG.md"
        )),
    }
}

fn rustc() -> Result<String, String> {
    let mut command = Command::new("rustc");
    command.arg("--version");
    Ok(captured(command, "rustc cannot be run")?.stdout)
}

fn listing() -> Result<String, String> {
    let this = std::env::current_exe().map_err(|error| format!("xtask has no path: {error}"))?;
    // Of all packages and with an example, because then the features of the dependencies
    // are those that clippy and the tests have built them with.
    let mut command = cargo();
    command
        .args(["doc", "--quiet", "--workspace", "--all-features", "--no-deps"])
        .args(["--lib", "--example", "parse_only"])
        .env("RUSTDOC", this)
        .env(AS_RUSTDOC, "1")
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json --cap-lints=allow");
    succeed(&mut command)?;
    let documented = Workspace::locate().target().join("doc/figma_payments.json");
    let api = public_api::Builder::from_rustdoc_json(documented)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| error.to_string())?;
    // The pages of the documentation are modules only for rustdoc.
    let items = api.items().map(|item| format!("{item}\n"));
    Ok(items.filter(|item| !item.starts_with("pub mod figma_payments::docs")).collect())
}

/// If `listing` has named this program to cargo as its rustdoc: runs rustdoc, with the
/// right to unstable options. If cargo had `RUSTC_BOOTSTRAP`, it would run build scripts
/// again, here and in the next ordinary build, and build what depends on them.
pub fn as_rustdoc() -> Option<ExitCode> {
    std::env::var_os(AS_RUSTDOC)?;
    let mut rustdoc = Command::new("rustdoc");
    rustdoc.args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1");
    match succeed(&mut rustdoc) {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("{error}");
            Some(ExitCode::FAILURE)
        }
    }
}

/// One line for each item that was removed or added.
fn changes(expected: &str, listed: &str) -> String {
    let lines = |text: &str, other: &str, sign: char| -> String {
        let missing = text.lines().filter(|line| !other.lines().any(|found| found == *line));
        missing.map(|line| format!("{sign} {line}\n")).collect()
    };
    lines(expected, listed, '-') + &lines(listed, expected, '+')
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn removed_and_added_items_are_listed() {
        assert_eq!(changes("a\nb\n", "a\nb\n"), "");
        assert_eq!(changes("a\nb\n", "b\nc\n"), "- a\n+ c\n");
    }
}
