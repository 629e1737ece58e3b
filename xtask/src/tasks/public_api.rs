//! `cargo xtask public-api`: lists the public API, and compares it with the list in
//! `tests/snapshots/public-api.txt`, so that every change of it shows up in a review.

use std::fs;
use std::process::Command;

use crate::shared::workspace::Workspace;

use crate::shared::process::{captured, cargo, succeed};

/// The version of Rust whose JSON documentation the `public-api` crate can read.
const RUST: &str = "1.95";

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
    // A separate target folder: with RUSTC_BOOTSTRAP set, cargo would run all build
    // scripts again, here and in the next ordinary build.
    let target = Workspace::locate().target().join("public-api");
    let mut command = cargo();
    command
        .args(["rustdoc", "--quiet", "--package", "figma-payments", "--lib", "--all-features"])
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &target);
    succeed(&mut command)?;
    let api = public_api::Builder::from_rustdoc_json(target.join("doc/figma_payments.json"))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
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
