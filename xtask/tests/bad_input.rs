//! Bad input of any kind gives one line that says why, the exit code 100, and no changed
//! file.
#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;

use common::checkout::{Checkout, OFFICIAL, Ran};

fn refused(checkout: &Checkout, arguments: &[&str], expected: &str) {
    let before = checkout.tree();
    let ran = checkout.run(arguments);
    is_refusal(&ran, expected);
    assert_eq!(checkout.tree(), before, "{expected}");
}

fn is_refusal(ran: &Ran, expected: &str) {
    assert_eq!(ran.code, 100, "{expected}: {}{}", ran.report, ran.said);
    assert_eq!(ran.said.lines().count(), 1, "{}", ran.said);
    assert!(ran.said.starts_with("error: "), "{}", ran.said);
    assert!(ran.said.contains(expected), "{expected}: {}", ran.said);
    assert_eq!(ran.report, "");
}

fn alias_bomb() -> String {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let ten = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
    }
    bomb
}

#[test]
fn documents_that_are_none() {
    let checkout = Checkout::new();
    let file = checkout.file("bad.yml");
    let path = file.to_str().unwrap();
    let edited = |from: &str, to: &str| {
        assert!(OFFICIAL.contains(from), "{from}");
        OFFICIAL.replacen(from, to, 1)
    };
    let twice = format!(
        "{OFFICIAL}\n",
        OFFICIAL = edited(
            "paths:\n",
            "paths:\n  /v2/payments:\n    get:\n      operationId: getPayments\n      responses: {}\n"
        )
    );
    for (text, expected) in [
        ("a: [".to_owned(), "is not readable as YAML"),
        ("- openapi\n".to_owned(), "is not an OpenAPI document"),
        (String::new(), "is not an OpenAPI document"),
        ("a: 1\na: 2\n".to_owned(), "duplicate entry with key \"a\""),
        (alias_bomb(), "repetition limit"),
        ("openapi: 3.1.0\n".to_owned(), "#/paths: is missing"),
        ("openapi: 3.1.0\npaths: {}\n".to_owned(), "has no payments operation"),
        (
            edited("  /v1/payments:", "  /v1/other:").replacen("getPayments", "other", 1),
            "has no payments operation",
        ),
        (twice, "has two payments operations"),
        (
            edited("#/components/schemas/PaymentInformation", "#/components/schemas/Nowhere"),
            "refers to a place that does not exist",
        ),
        (
            edited("#/components/schemas/PaymentInformation", "other.yml#/a"),
            "refers to another document",
        ),
        (
            format!("{OFFICIAL}\nx-a: {{ $ref: '#/x-b' }}\nx-b: {{ $ref: '#/x-a' }}\n"),
            "refers back to itself",
        ),
        (
            edited(
                "    PaymentInformation:\n",
                "    PaymentInformation:\n      allOf: [{ $ref: '#/components/schemas/PaymentInformation' }]\n",
            ),
            "contains itself through allOf",
        ),
        (
            edited("    PersonalAccessToken:\n", "    Other:\n"),
            "securitySchemes/PersonalAccessToken: is missing",
        ),
    ] {
        fs::write(&file, text).unwrap();
        refused(&checkout, &["update-spec", "--source", path], expected);
        refused(&checkout, &["diff-spec", path, path], expected);
    }
}

#[test]
fn files_that_are_no_text() {
    let checkout = Checkout::new();
    let file = checkout.file("bad.yml");
    let path = file.to_str().unwrap();
    refused(&checkout, &["update-spec", "--source", path], "cannot be read");
    refused(
        &checkout,
        &["update-spec", "--source", checkout.root().to_str().unwrap()],
        "cannot be used",
    );
    fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    refused(&checkout, &["update-spec", "--source", path], "not UTF-8 text");
    File::create(&file).unwrap().set_len(200 * 1024 * 1024).unwrap();
    refused(&checkout, &["update-spec", "--source", path], "longer than 16777216 bytes");
    refused(&checkout, &["diff-spec", path, path], "longer than 16777216 bytes");
}

#[test]
fn downloads_that_are_not_what_was_promised() {
    let checkout = Checkout::new();
    let archive = checkout.publish("1.0.0", OFFICIAL);
    let whole = fs::read(&archive).unwrap();
    fs::write(&archive, &whole[..whole.len() / 2]).unwrap();
    refused(&checkout, &["update-spec"], "damaged or changed during the download");
    let mut changed = whole.clone();
    changed[20] ^= 1;
    fs::write(&archive, changed).unwrap();
    refused(&checkout, &["update-spec"], "but npm lists");
    fs::write(checkout.file("view.json"), "{\"version\": \"1.0.0\"}").unwrap();
    refused(&checkout, &["update-spec"], "no version with a sha512 integrity");
    fs::write(checkout.file("view.json"), "<html>").unwrap();
    refused(&checkout, &["update-spec"], "did not answer with JSON");
}

#[test]
fn an_npm_that_is_missing_or_fails() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    let ran = checkout.run_with_path(&checkout.file("nowhere"), &["update-spec", "--check"]);
    is_refusal(&ran, "npm is not installed; install Node.js, or give a file or URL with --source");
    let ran = checkout.run_with_path(&checkout.file("nowhere"), &["update-spec"]);
    is_refusal(&ran, "git is not installed");
    assert_eq!(checkout.tree(), before);
    checkout.npm(
        "echo 'npm error code ENOTFOUND' >&2; echo 'npm error network request failed' >&2; exit 1",
    );
    refused(&checkout, &["update-spec"], "(network request failed); check the network");
    checkout.npm("exit 1");
    refused(&checkout, &["update-spec", "--check"], "npm printed no reason");
    checkout.npm("case $1 in view) cat ../view.json ;; esac");
    refused(&checkout, &["update-spec", "--source", "npm@0.99.0"], "npm");
}

#[test]
fn urls_that_cannot_be_fetched() {
    let checkout = Checkout::new();
    let url = "https://127.0.0.1:1/openapi.yml?token=secret";
    let before = checkout.tree();
    let ran = checkout.run(&["update-spec", "--source", url]);
    is_refusal(&ran, "https://127.0.0.1:1/openapi.yml: cannot be fetched");
    assert!(!ran.said.contains("secret"), "{}", ran.said);
    assert_eq!(checkout.tree(), before);
    refused(&checkout, &["update-spec", "--source", "http://127.0.0.1/x"], "is not supported");
    checkout.curl("exec yes");
    refused(&checkout, &["update-spec", "--source", url], "longer than 16777216 bytes");
    checkout.curl("echo 'openapi: 3.1.0'; echo 'curl: (18) transfer closed' >&2; exit 18");
    refused(&checkout, &["update-spec", "--source", url], "(curl: (18) transfer closed)");
    let ran = checkout.run_with_path(&checkout.file("nowhere"), &["diff-spec", url, url]);
    is_refusal(&ran, "curl is not installed");
}

#[test]
fn a_checkout_that_is_read_only_or_edited_by_hand() {
    let checkout = Checkout::new();
    let document = checkout.root().join(xtask::spec::files::DOCUMENT);
    let writable = fs::metadata(&document).unwrap().permissions();
    fs::set_permissions(&document, fs::Permissions::from_mode(0o444)).unwrap();
    refused(&checkout, &["update-spec"], "is read-only; make the checkout writable");
    fs::set_permissions(&document, writable).unwrap();
    let folder = document.parent().unwrap().to_owned();
    let writable = fs::metadata(&folder).unwrap().permissions();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    refused(&checkout, &["update-spec", "--review", "0.99.0"], "is read-only");
    fs::set_permissions(&folder, writable).unwrap();

    let text = fs::read_to_string(&document).unwrap();
    fs::write(&document, text.replacen("0.21.0", "0.21.1", 1) + "\n").unwrap();
    checkout.commit();
    refused(&checkout, &["update-spec"], "does not have the checksum that");
}

#[test]
fn arguments_that_mean_nothing() {
    let checkout = Checkout::new();
    for (arguments, expected) in [
        (&["diff-spec", "one.yml"][..], "takes two documents"),
        (&["update-spec", "extra"], "does not take the argument `extra`"),
        (&["update-spec", "--chekc"], "--chekc"),
        (
            &["update-spec", "--check", "--review", "0.99.0"],
            "only one of --dry-run, --check and --review",
        ),
        (&["update-spec", "--review"], "missing argument"),
        (&["update-spec", "--review", "latest"], "`latest` is not a version"),
        (&["update-spec", "--review", "0.99.0", "--source", "npm"], "takes no --source"),
        (&["update-spec", "--format", "xml"], "use text, json or markdown"),
        (&["update-spec", "--fail-on", "never"], "takes breaking or any"),
        (&["update-spec", "--source"], "missing argument"),
        (&["update-spec", "--source", "npm@latest"], "is not a version"),
    ] {
        refused(&checkout, arguments, expected);
    }
}
