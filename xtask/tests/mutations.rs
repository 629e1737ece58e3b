//! The comparison on a table of small changes, in both directions.

mod common;

use common::mutations::{self, Expected, Mutation};
use figma_payments_openapi::Document;
use serde_json::Value;
use xtask::spec::diff::checks;
use xtask::spec::diff::compare::diff;
use xtask::spec::diff::report::{Report, Verdict};
use xtask::spec::slice::cut::slice;

fn report(old: &Value, new: &Value) -> Report {
    let part = |root: &Value| {
        let document = Document::from_value("test.yml", root.clone()).unwrap();
        slice(&document).unwrap()
    };
    diff(&part(old), &part(new)).unwrap()
}

fn found(report: &Report) -> Vec<Expected> {
    let mut found: Vec<_> = report
        .changes
        .iter()
        .map(|it| Expected { id: it.id.clone(), wire: it.wire, api: it.api })
        .collect();
    found.sort();
    found
}

#[test]
fn every_change_is_seen_for_what_it_is_in_both_directions() {
    let all = mutations::all();
    assert!(all.len() >= 80, "{} mutations", all.len());
    let mut wrong = Vec::new();
    for Mutation { what, base, root, is, back, .. } in &all {
        // As text, in which the order counts.
        let (before, after) = (base.to_string(), root.to_string());
        assert_ne!(before, after, "{what}: changes nothing");
        for (way, old, new, expected) in [("there", base, root, is), ("back", root, base, back)] {
            let found = found(&report(old, new));
            if found != *expected {
                wrong
                    .push(format!("{what}, {way}:\n  found    {found:?}\n  expected {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} mutations, {} comparisons", all.len(), 2 * all.len());
}

#[test]
fn the_same_document_has_no_change() {
    for Mutation { what, root, .. } in mutations::all() {
        assert_eq!(report(&root, &root).verdict(), Verdict::None, "{what}");
    }
}

#[test]
fn a_report_counts_and_judges_what_it_lists() {
    for Mutation { what, base, root, .. } in mutations::all() {
        let report = report(&base, &root);
        let json = report.to_json();
        let count = |key: &str| json["summary"][key].as_u64().unwrap() as usize;
        let breaks = |change: &&Value| change["wire"] == "breaking" || change["api"] == "breaking";
        let changes = json["changes"].as_array().unwrap();
        assert_eq!(count("breaking"), changes.iter().filter(breaks).count(), "{what}");
        assert_eq!(count("breaking") + count("compatible"), changes.len(), "{what}");
        let verdict = match (changes.is_empty(), count("breaking")) {
            (true, _) => "none",
            (_, 0) => "compatible",
            _ => "breaking",
        };
        assert_eq!(json["verdict"], verdict, "{what}");
        assert_eq!(json["effect"] == "none", report.effect() == Verdict::None, "{what}");
        for change in changes {
            for key in ["id", "wire", "api", "where", "message"] {
                assert!(change[key].is_string(), "{what}: {key}");
            }
            let message = change["message"].as_str().unwrap();
            assert_eq!(message.lines().count(), 1, "{message}");
            assert!(!message.contains("{old}") && !message.contains("{new}"), "{message}");
        }
    }
}

#[test]
fn every_check_is_tried() {
    let all = mutations::all();
    let listed: Vec<_> = all.iter().flat_map(|it| it.is.iter().chain(&it.back)).collect();
    // A check of schemas is the same for every subject, so one subject is enough.
    let subjects = [
        "request-parameter-",
        "request-body-",
        "request-property-",
        "response-header-",
        "response-body-",
    ];
    let tried = |id: &String| {
        let suffix = subjects.iter().find_map(|prefix| id.strip_prefix(prefix));
        listed.iter().any(|it| {
            it.id == *id
                || suffix.is_some_and(|suffix| it.id == format!("response-property-{suffix}"))
        })
    };
    let missing: Vec<_> = checks::ids().filter(|id| !tried(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
