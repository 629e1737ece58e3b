//! The code on the pages. rustdoc compiles and runs it; the README's program is compiled by
//! figma-payments-gate. Here is what rustdoc does not look at.

use crate::page::{pages, read, readme};

#[test]
fn no_line_is_hidden() {
    for page in pages() {
        for block in page.code.iter().filter(|block| block.info.starts_with("rust")) {
            let hidden = |line: &&str| line.trim() == "#" || line.trim().starts_with("# ");
            assert_eq!(block.text.lines().find(hidden), None, "{:?}", page.path);
        }
    }
}

/// rustdoc takes a block without a language for Rust, and forges do not.
#[test]
fn every_block_names_its_language() {
    let known = ["rust", "rust,no_run", "rust,test_harness", "rust,ignore", "sh", "text", "toml"];
    for page in pages() {
        for block in &page.code {
            let named = known.contains(&block.info.as_str());
            assert!(named, "{:?}: ```{}\n{}", page.path, block.info, block.text);
        }
    }
}

/// Without `test_harness` rustdoc compiles a test away.
#[test]
fn a_test_on_a_page_is_run() {
    let mut tests = 0;
    for block in pages().iter().flat_map(|page| &page.code) {
        let is_test = ["#[test]", "#[tokio::test"].iter().any(|it| block.text.contains(it));
        assert_eq!(is_test, block.info == "rust,test_harness", "{}", block.text);
        tests += usize::from(is_test);
    }
    assert!(tests > 0);
}

/// What needs another provider of cryptography is compiled in `tests/beside`, and what needs
/// an exporter in `tests/telemetry`.
#[test]
fn what_rustdoc_ignores_is_tested_elsewhere() {
    let tested = read("tests/beside/tests/two_providers.rs") + &read("tests/telemetry/setup.rs");
    let tested: Vec<&str> = tested.lines().map(str::trim).collect();
    let pages = pages();
    let blocks = pages.iter().flat_map(|page| &page.code);
    for block in blocks.filter(|block| block.info == "rust,ignore") {
        for line in block.text.lines() {
            assert!(tested.contains(&line.trim()), "no test has the line {line}");
        }
    }
}

#[test]
fn the_program_of_the_readme_is_short() {
    let readme = readme();
    let program = readme.code.iter().find(|block| block.info == "rust,no_run").unwrap();
    let lines = program.text.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 15, "{lines} lines");
}

/// `.ci/run` repeats them.
#[test]
fn the_first_commands_of_the_readme_are_those_of_the_gate() {
    let readme = readme();
    let first = readme.code.iter().find(|block| block.info == "sh").unwrap();
    let commands: Vec<&str> = first.text.lines().collect();
    assert_eq!(commands.len(), 2);
    let gate = read(".ci/run");
    for command in commands {
        assert!(gate.lines().any(|line| line == format!("step {command}")), "{command}");
    }
}
