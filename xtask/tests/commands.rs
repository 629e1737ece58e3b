//! The commands from the outside, in a small checkout with a fake npm and cargo.
#![cfg(unix)]

mod common;

use std::time::Duration;

use common::checkout::{Checkout, OFFICIAL};
use serde_json::Value;
use xtask::spec::compared::COMPARED;
use xtask::spec::files::{CORRECTIONS, DOCUMENT, LOCK, SNAPSHOT};
use xtask::spec::lock::Lock;

#[test]
fn an_update_replaces_all_four_files_and_the_next_has_nothing_to_do() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    let ran = checkout.run(&["update-spec"]);
    assert_eq!(ran.code, 0, "{}", ran.said);
    assert!(ran.said.contains("replaced"), "{}", ran.said);

    let after = checkout.tree();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let document = checkout.read(DOCUMENT);
    assert!(document.starts_with("# The payments part of Figma's OpenAPI document, from npm "));
    assert!(document.contains("by `cargo xtask update-spec`; never edited by hand"));
    assert!(checkout.read(CORRECTIONS).contains("ids-as-text no longer needed\n"));
    assert!(checkout.read(SNAPSHOT).contains("pub struct PaymentInformation"));
    let lock = Lock::parse(&checkout.read(LOCK)).unwrap();
    assert_eq!(lock.bundled.source, "npm @figma/rest-api-spec 0.99.0");
    let reviewed = lock.reviewed.unwrap();
    assert_eq!(Some(reviewed.package.integrity), lock.bundled.checksum);
    assert_eq!(reviewed.slice, lock.bundled.slice);

    checkout.commit();
    let again = checkout.run(&["update-spec"]);
    assert_eq!((again.code, checkout.tree() == after), (0, true), "{}", again.said);
    assert!(again.said.contains("nothing to do"), "{}", again.said);
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 0);

    // The same source gives the same bytes.
    let other = Checkout::new();
    assert_eq!(other.run(&["update-spec"]).code, 0);
    for name in [DOCUMENT, LOCK, CORRECTIONS, SNAPSHOT] {
        assert_eq!(other.read(name), checkout.read(name), "{name}");
    }
}

#[test]
fn an_update_from_a_url_keeps_its_checksum_and_no_secret() {
    let checkout = Checkout::new();
    let file = checkout.file("openapi.yml");
    std::fs::write(&file, OFFICIAL).unwrap();
    checkout.curl(&format!("cat '{}'", file.display()));
    let ran = checkout.run(&["update-spec", "--source", "https://u:p@example.com/a.yml?token=t"]);
    assert_eq!(ran.code, 0, "{}", ran.said);
    let lock = Lock::parse(&checkout.read(LOCK)).unwrap();
    assert_eq!(lock.bundled.source, "https://example.com/a.yml");
    let sha256 = xtask::spec::digest::sha256(OFFICIAL.as_bytes());
    assert_eq!(lock.bundled.checksum, Some(format!("sha256-{sha256}")));
    assert_eq!(lock.reviewed, None, "only a version on npm can be reviewed");
    assert!(checkout.read(DOCUMENT).contains("from https://example.com/a.yml.\n"));
}

#[test]
fn a_document_that_the_library_does_not_compile_with_is_refused() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    checkout
        .cargo("echo 'error[E0560]: no such field' >&2; echo '  --> src/x.rs:1:2' >&2; exit 101");
    let ran = checkout.run(&["update-spec"]);
    assert_eq!((ran.code, ran.said.lines().count()), (100, 1), "{}", ran.said);
    assert!(ran.said.contains(
        "does not compile with the new bindings: error[E0560]: no such field --> src/x.rs"
    ));
    assert_eq!(checkout.tree(), before);
}

#[test]
fn a_document_that_the_lowering_refuses_is_refused() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    let odd = OFFICIAL.replacen("operationId: getPayments", "operationId: askPayments", 1);
    checkout.publish("1.0.0", &odd);
    let ran = checkout.run(&["update-spec"]);
    assert_eq!((ran.code, ran.said.lines().count()), (100, 1), "{}", ran.said);
    assert!(ran.said.contains("has to be `getPayments`"), "{}", ran.said);
    assert_eq!(checkout.tree(), before);
}

#[test]
fn a_dry_run_and_a_threshold_write_nothing() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    for (arguments, code) in [
        (&["update-spec", "--dry-run"][..], 0),
        (&["update-spec", "--fail-on", "breaking"], 1),
        (&["update-spec", "--fail-on", "any", "--dry-run"], 1),
    ] {
        let ran = checkout.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.said);
        assert!(ran.report.contains("verdict, as published: breaking"), "{}", ran.report);
        assert!(ran.report.contains("effect on this crate: none"), "{}", ran.report);
        assert_eq!(checkout.tree(), before, "{arguments:?}");
    }
}

#[test]
fn stale_is_what_differs_from_the_version_that_was_reviewed() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 4, "nothing was reviewed yet");
    assert_eq!(checkout.run(&["update-spec", "--check", "--fail-on", "breaking"]).code, 1);
    assert_eq!(checkout.tree(), before);

    assert_eq!(checkout.run(&["update-spec", "--review", "0.99.0"]).code, 0);
    let reviewed = checkout.tree();
    let changed: Vec<_> = reviewed.iter().filter(|(path, text)| before[*path] != **text).collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].0.ends_with(LOCK));
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 0);

    // A newer version of the whole document with the same payments part.
    let newer = OFFICIAL.replacen("version: 0.99.0", "version: 1.0.0", 1);
    checkout.publish("1.0.0", &newer);
    let same = checkout.run(&["update-spec", "--check", "--format", "json"]);
    assert_eq!(same.code, 0, "{}", same.said);
    let report: Value = serde_json::from_str(&same.report).unwrap();
    assert_eq!(report["verdict"], "none");
    assert_eq!(checkout.tree(), reviewed);
}

#[test]
fn what_was_reviewed_is_fetched_again_to_say_what_changed_since() {
    let checkout = Checkout::new();
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 4);
    assert_eq!(checkout.run(&["update-spec", "--review", "0.99.0"]).code, 0);
    // From now on npm has two versions.
    let one = checkout.file("one");
    let two = checkout.file("two");
    let keep = |folder: &std::path::Path| {
        std::fs::create_dir(folder).unwrap();
        for name in ["package.tgz", "view.json"] {
            std::fs::copy(checkout.file(name), folder.join(name)).unwrap();
        }
    };
    keep(&one);
    let changed = OFFICIAL.replacen("COMMUNITY_FILE]", "COMMUNITY_FILE, SLIDES]", 1);
    assert!(changed != OFFICIAL);
    checkout.publish("1.0.0", &changed.replacen("version: 0.99.0", "version: 1.0.0", 1));
    keep(&two);
    let script = format!(
        "case $2 in\n  *@0.99.0) from='{}' ;;\n  *) from='{}' ;;\nesac\ncase $1 in\n  view) cat \"$from/view.json\" ;;\n  pack) cp \"$from/package.tgz\" . ;;\nesac",
        one.display(),
        two.display()
    );
    checkout.npm(&script);
    let ran = checkout.run(&["update-spec", "--check", "--format", "markdown"]);
    assert_eq!(ran.code, 4, "{}", ran.said);
    assert!(ran.report.starts_with("## 1 change: 1 breaking, 0 compatible\n"), "{}", ran.report);
    assert!(ran.report.contains("`response-property-enum-value-added`"), "{}", ran.report);
    assert!(ran.report.contains("Effect on this crate: **breaking"), "{}", ran.report);
    assert!(ran.said.starts_with("stale: 1.0.0"), "{}", ran.said);
}

#[test]
fn other_texts_are_stale_but_no_change() {
    let checkout = Checkout::new();
    assert_eq!(checkout.run(&["update-spec"]).code, 0);
    checkout.publish("0.99.0", &OFFICIAL.replacen("description: A user.", "description: One.", 1));
    // npm now has other contents for the reviewed version; the integrity shows it.
    let ran = checkout.run(&["update-spec", "--check"]);
    assert_eq!(ran.code, 100, "{}", ran.said);
    assert!(ran.said.contains("but npm lists"), "{}", ran.said);
    let ran = checkout.run(&["update-spec", "--dry-run", "--fail-on", "any"]);
    assert_eq!(ran.code, 0, "{}", ran.said);
    assert!(ran.report.starts_with("0 changes"), "{}", ran.report);
}

#[test]
fn a_diff_is_text_json_or_markdown() {
    let checkout = Checkout::new();
    let old = checkout.root().join(DOCUMENT);
    let new = checkout.file("new.yml");
    std::fs::write(&new, OFFICIAL).unwrap();
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let text = checkout.run(&["diff-spec", old, new]);
    assert_eq!((text.code, text.said.as_str()), (0, ""));
    assert!(text.report.contains("[request-parameter-type-changed]"), "{}", text.report);

    let json = checkout.run(&["diff-spec", old, new, "--format", "json", "--fail-on", "breaking"]);
    assert_eq!(json.code, 1);
    let report: Value = serde_json::from_str(&json.report).unwrap();
    assert_eq!((&report["verdict"], &report["effect"]), (&"breaking".into(), &"none".into()));
    assert_eq!(report["summary"]["breaking"], report["changes"].as_array().unwrap().len());
    assert_eq!(report["corrections"][0]["id"], "ids-as-text");
    // Exactly the differences that are known between the two sources.
    let found: Vec<_> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].as_str().unwrap(), it["where"].as_str().unwrap()))
        .collect();
    let parameter = |name: &str| format!("GET /v1/payments, query parameter `{name}`");
    let status = "GET /v1/payments, response 200, application/json, `meta.payment_status`";
    assert_eq!(
        found,
        [
            ("security-scheme-type-changed", "GET /v1/payments, security"),
            ("request-parameter-type-changed", &parameter("user_id")),
            ("request-parameter-type-changed", &parameter("community_file_id")),
            ("request-parameter-type-changed", &parameter("plugin_id")),
            ("request-parameter-type-changed", &parameter("widget_id")),
            ("response-property-type-changed", status),
        ]
    );

    let same = checkout.run(&["diff-spec", new, new, "--fail-on", "any"]);
    assert_eq!(same.code, 0, "{}", same.report);
    assert!(same.report.starts_with("0 changes: 0 breaking, 0 compatible\n"), "{}", same.report);
    let markdown = checkout.run(&["diff-spec", old, new, "--format=markdown"]);
    assert!(markdown.report.contains("| wire | api | check | what |"), "{}", markdown.report);
}

#[test]
fn control_characters_in_a_document_are_escaped_in_every_format() {
    let checkout = Checkout::new();
    let new = checkout.file("new.yml");
    let hostile = "\\e[2J\\r\\n::error::x\\x9B\\u202E";
    let text = OFFICIAL
        .replacen("version: 0.99.0", &format!("version: \"9{hostile}\""), 1)
        .replacen("COMMUNITY_FILE]", &format!("COMMUNITY_FILE, \"A{hostile}\"]"), 1)
        .replacen("        payment_status:\n", &format!("        \"p{hostile}\":\n"), 1);
    std::fs::write(&new, text).unwrap();
    let old = checkout.root().join(DOCUMENT);
    let new = new.to_str().unwrap();
    for format in ["text", "json", "markdown"] {
        let ran = checkout.run(&["diff-spec", old.to_str().unwrap(), new, "--format", format]);
        assert_eq!(ran.code, 0, "{}", ran.said);
        for part in ["9\\", "A\\", "p\\"] {
            assert!(ran.report.contains(part), "{part}: {}", ran.report);
        }
        let raw = |it: char| (it.is_control() && it != '\n') || it == '\u{202e}';
        assert!(!ran.report.contains(raw), "{:?}", ran.report);
        assert!(!ran.report.lines().any(|line| line.starts_with("::")), "{}", ran.report);
    }
}

#[test]
fn a_correction_that_cannot_be_applied_is_an_error_in_the_report() {
    let checkout = Checkout::new();
    let new = checkout.file("new.yml");
    let text = OFFICIAL.replacen("name: plugin_id", "name: gadget_id", 1).replacen(
        "        payment_status:\n",
        "        standing:\n",
        1,
    );
    std::fs::write(&new, text).unwrap();
    let old = checkout.root().join(DOCUMENT);
    let arguments = ["diff-spec", old.to_str().unwrap(), new.to_str().unwrap(), "--format", "json"];
    let report: Value = serde_json::from_str(&checkout.run(&arguments).report).unwrap();
    assert_eq!(report["effect"], "breaking");
    let corrections = report["corrections"].as_array().unwrap();
    let failed: Vec<_> = corrections
        .iter()
        .filter(|it| it["outcome"] == "could not be applied" && it["error"].is_string())
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert!(failed.contains(&"ids-as-text"), "{failed:?}");
    assert!(failed.contains(&"payment-status-absent"), "{failed:?}");
}

#[test]
fn a_run_that_is_killed_in_the_dry_run_leaves_the_tree_as_it_was() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    let reached = checkout.file("reached");
    checkout.cargo(&format!("touch '{}'; exec sleep 60", reached.display()));
    let mut run = checkout.start(&["update-spec"]);
    while !reached.exists() {
        assert!(run.try_wait().unwrap().is_none(), "it ended before cargo was reached");
        std::thread::sleep(Duration::from_millis(10));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(checkout.tree(), before);
}

#[test]
fn help_says_what_the_exit_codes_mean() {
    let checkout = Checkout::new();
    let ran = checkout.run(&["update-spec", "--help"]);
    for words in ["0  success", "1  the --fail-on", "4  --check", "100  could not run"] {
        assert!(ran.report.contains(words), "{words}: {}", ran.report);
    }
}

fn reviewed(checkout: &Checkout) -> xtask::spec::lock::Reviewed {
    Lock::parse(&checkout.read(LOCK)).unwrap().reviewed.unwrap()
}

#[test]
fn what_is_published_after_a_check_is_not_recorded_as_reviewed() {
    let checkout = Checkout::new();
    let ran = checkout.run(&["update-spec", "--check"]);
    assert_eq!(ran.code, 4, "{}", ran.said);
    let advised = "then run `cargo xtask update-spec --review 0.99.0`";
    assert!(ran.said.contains(advised), "{}", ran.said);
    let would_be = std::fs::read_to_string(checkout.root().join("target").join(COMPARED)).unwrap();

    // A newer version, and another archive under the version that was compared.
    let other = OFFICIAL.replacen("COMMUNITY_FILE]", "COMMUNITY_FILE, SLIDES]", 1);
    for version in ["1.0.0", "0.99.0"] {
        checkout.publish(version, &other);
        let ran = checkout.run(&["update-spec", "--review", "0.99.0"]);
        assert_eq!(ran.code, 0, "{}", ran.said);
        let recorded = reviewed(&checkout);
        assert_eq!(recorded.package.version.to_string(), "0.99.0");
        let official = figma_payments_openapi::Document::parse("x.yml", OFFICIAL).unwrap();
        assert_eq!(recorded.slice, xtask::spec::slice::cut::slice(&official).unwrap().hash());
        assert_eq!(checkout.read(LOCK), would_be, "--check writes the lock as --review does");
        checkout.commit();
    }
    let ran = checkout.run(&["update-spec", "--review", "1.0.0"]);
    assert_eq!(ran.code, 100, "{}", ran.said);
    assert!(ran.said.contains("--check compared version 0.99.0 last, not 1.0.0"), "{}", ran.said);
}

#[test]
fn a_review_needs_a_check_but_no_network_and_keeps_the_rest_of_the_lock() {
    let checkout = Checkout::new();
    let refused = |expected: &str| {
        let before = checkout.tree();
        let ran = checkout.run(&["update-spec", "--review", "0.99.0"]);
        assert_eq!((ran.code, ran.said.lines().count()), (100, 1), "{}", ran.said);
        assert!(ran.said.contains(expected), "{}", ran.said);
        assert_eq!(checkout.tree(), before);
    };
    refused("no version was compared yet");
    // Only a version on npm can be reviewed.
    let file = checkout.file("openapi.yml");
    std::fs::write(&file, OFFICIAL).unwrap();
    let ran = checkout.run(&["update-spec", "--check", "--source", file.to_str().unwrap()]);
    assert_eq!(ran.code, 4, "{}", ran.said);
    assert!(ran.said.contains("only a version on npm can be reviewed"), "{}", ran.said);
    refused("no version was compared yet");

    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 4);
    // The entry of the bundled document stays as it is.
    checkout.npm("exit 1");
    let ran = checkout.run(&["update-spec", "--source", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.said);
    checkout.commit();
    let bundled = Lock::parse(&checkout.read(LOCK)).unwrap().bundled;
    let ran = checkout.run(&["update-spec", "--review", "0.99.0"]);
    assert_eq!(ran.code, 0, "{}", ran.said);
    assert_eq!(Lock::parse(&checkout.read(LOCK)).unwrap().bundled, bundled);
    assert_eq!(reviewed(&checkout).package.version.to_string(), "0.99.0");
}
