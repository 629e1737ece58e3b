//! `cargo xtask public-api`: what users can name, as `tests/snapshots/public-api.txt`
//! lists it, so that no change of it goes unseen.

use std::fs;
use std::process::Command;

use crate::shared::workspace::Workspace;

use crate::tasks::contract;

/// The compiler whose documentation the `public-api` crate in use can read.
const RUST: &str = "1.95";

const LISTING: &str = "tests/snapshots/public-api.txt";

/// Prints the listing, or compares it with the one that is checked in.
pub fn run(arguments: &[String]) -> Result<String, String> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("usage: cargo xtask public-api [--check]".to_owned()),
    };
    if !rustc()?.starts_with(&format!("rustc {RUST}.")) {
        let why = format!("public-api: skipped, its listing is read with Rust {RUST}\n");
        return if check { Ok(why) } else { Err(why) };
    }
    let listed = listing()?;
    if !check {
        return Ok(listed);
    }
    let path = Workspace::locate().root().join(LISTING);
    let expected = fs::read_to_string(&path).map_err(|error| format!("{LISTING}: {error}"))?;
    match changes(&expected, &listed) {
        none if none.is_empty() => Ok(format!("public-api: {} items\n", listed.lines().count())),
        changes => Err(format!(
            "the public API is not what {LISTING} lists:\n{changes}\
             If that is meant: cargo xtask public-api > {LISTING}, and a line in CHANGELOG.md"
        )),
    }
}

fn rustc() -> Result<String, String> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn listing() -> Result<String, String> {
    // A target directory of its own: build scripts look at RUSTC_BOOTSTRAP, and
    // all of them would run again.
    let target = Workspace::locate().target().join("public-api");
    let mut command = contract::cargo();
    command
        .args(["rustdoc", "--quiet", "--package", "figma-payments", "--lib", "--all-features"])
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &target);
    let status = command.status().map_err(|error| format!("cargo rustdoc: {error}"))?;
    if !status.success() {
        return Err("cargo rustdoc failed; its output says why".to_owned());
    }
    let api = public_api::Builder::from_rustdoc_json(target.join("doc/figma_payments.json"))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// What is gone and what is new, a line each.
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
    fn what_is_gone_and_what_is_new_is_shown() {
        assert_eq!(changes("a\nb\n", "a\nb\n"), "");
        assert_eq!(changes("a\nb\n", "b\nc\n"), "- a\n+ c\n");
    }
}
