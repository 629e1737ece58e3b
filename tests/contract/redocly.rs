//! Redocly lints the bundled and the corrected document.

use std::path::Path;

use serde_json::Value;

use crate::tools;

/// Errors and warnings that it finds.
fn lint(document: &Path) -> (u64, u64) {
    let output = tools::run(
        tools::node("redocly")
            .arg("lint")
            .arg(document)
            .arg("--config")
            .arg(tools::configuration("redocly.yml"))
            .args(["--format", "json"]),
    );
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let total = |what: &str| report["totals"][what].as_u64().unwrap();
    println!("{}: {}", document.display(), report["problems"]);
    (total("errors"), total("warnings"))
}

#[test]
#[ignore = "`cargo xtask contract` installs Redocly and runs this"]
fn redocly_finds_nothing_in_either_document() {
    let documents = ["bundled.yml", "corrected.json"].map(tools::document);
    for document in &documents {
        assert_eq!(lint(document), (0, 0));
    }
    // A linter that finds nothing anywhere would prove nothing.
    let text = std::fs::read_to_string(&documents[0]).unwrap();
    let broken = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken.yml");
    std::fs::write(&broken, text.replace("schemas/PaymentStatus'", "schemas/Nowhere'")).unwrap();
    assert_eq!(lint(&broken).0, 1);

    let version = tools::text(&tools::run(tools::node("redocly").arg("--version")).stdout);
    tools::report("Redocly", version.trim(), documents.len() + 1);
}
