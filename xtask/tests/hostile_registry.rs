//! The answers of npm's registry are not trusted: no answer runs code, passes as another
//! version, or takes more memory than a package may.
#![cfg(unix)]

mod common;

use std::fs;

use common::checkout::{Checkout, OFFICIAL, Ran};

fn refused(ran: &Ran, expected: &str) {
    assert_eq!((ran.code, ran.report.as_str()), (100, ""), "{expected}: {}", ran.said);
    assert_eq!(ran.said.lines().count(), 1, "{}", ran.said);
    assert!(ran.said.contains(expected), "{expected}: {}", ran.said);
}

#[test]
fn what_npm_would_clone_or_run_is_never_handed_to_it_as_a_version() {
    for version in [
        "git+https://evil.example/x.git",
        "git+file:///tmp/evil",
        "evil/repository",
        "https://evil.example/x.tgz",
        "file:../evil",
        "npm:evil@1.0.0",
        "../evil",
        "latest",
        "^1.0.0",
        "1.0",
        "v1.0.0",
        "1.0.0 || 2.0.0",
        "",
    ] {
        let checkout = Checkout::new();
        let before = checkout.tree();
        checkout.publish(version, OFFICIAL);
        for arguments in [&["update-spec"][..], &["update-spec", "--check"], &["replay-spec"]] {
            let ran = checkout.run(arguments);
            assert!(!checkout.file("ran").exists(), "{version}: npm was told to fetch it");
            refused(&ran, "which is not a version");
        }
        assert_eq!(checkout.tree(), before, "{version}");
    }
}

#[test]
fn another_version_than_the_one_that_was_asked_for_is_refused() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    checkout.publish("1.0.0", OFFICIAL);
    let ran = checkout.run(&["update-spec", "--source", "npm@0.99.0"]);
    refused(&ran, "npm answered with version 1.0.0 instead of 0.99.0");
    assert_eq!(checkout.tree(), before);
}

#[test]
fn no_script_runs_while_a_package_is_fetched() {
    let checkout = Checkout::new();
    assert_eq!(checkout.run(&["update-spec", "--dry-run"]).code, 0);
    assert!(!checkout.file("ran").exists(), "npm pack was not given --ignore-scripts");
}

#[test]
fn what_a_document_says_of_itself_is_told_in_one_line_of_plain_text() {
    let checkout = Checkout::new();
    let version = "version: \"0\\r\\n::set-output name=x::y\\r::debug::z\\e[2J\"";
    let hostile = OFFICIAL.replacen("version: 0.99.0", version, 1);
    assert!(hostile != OFFICIAL);
    checkout.publish("0.99.0", &hostile);
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 4);
    assert_eq!(checkout.run(&["update-spec", "--review", "0.99.0"]).code, 0);
    let ran = checkout.run(&["update-spec", "--check"]);
    assert!(ran.said.contains("name=x::y"), "{}", ran.said);
    let controls = ran.said.trim_end().chars().filter(|it| it.is_control()).count();
    assert_eq!(controls, 0, "{:?}", ran.said);
}

const MIB: u64 = 1024 * 1024;

/// Zeros. They compress to a thousandth.
fn zeros(length: u64) -> impl std::io::Read {
    std::io::Read::take(std::io::repeat(0), length)
}

/// Runs a command of xtask with a limit of memory, in MiB.
fn run_within(checkout: &Checkout, memory: u64, arguments: &[&str]) -> Ran {
    checkout.run_in_shell(&format!("ulimit -v {}; exec \"$0\" \"$@\"", memory * 1024), arguments)
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused_before_it_is_in_memory() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    let length = 256 * MIB;
    let archive = checkout.publish_archive("1.0.0", |archive| {
        // A long file name: `tar` keeps it in memory.
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(length);
        archive.append_data(&mut header, "././@LongLink", zeros(length)).unwrap();
    });
    assert!(fs::metadata(archive).unwrap().len() < 4 * MIB);
    let ran = match cfg!(target_os = "linux") {
        true => run_within(&checkout, 200, &["update-spec"]),
        false => checkout.run(&["update-spec"]),
    };
    refused(&ran, "unpacks to more than 64 MiB");
    assert_eq!(checkout.tree(), before);
}

#[test]
fn an_archive_with_too_much_beside_the_document_is_refused() {
    let checkout = Checkout::new();
    checkout.publish_archive("1.0.0", |archive| {
        let mut header = tar::Header::new_gnu();
        header.set_size(65 * MIB);
        archive.append_data(&mut header, "package/other", zeros(65 * MIB)).unwrap();
    });
    refused(&checkout.run(&["update-spec"]), "unpacks to more than 64 MiB");
}

#[test]
fn an_archive_that_is_itself_too_long_is_refused() {
    let checkout = Checkout::new();
    let archive = checkout.publish("1.0.0", OFFICIAL);
    fs::File::options().write(true).open(archive).unwrap().set_len(65 * MIB).unwrap();
    refused(&checkout.run(&["update-spec"]), "is longer than 64 MiB");
}
