//! Reading: text that a YAML parser would change silently is refused, with the place
//! and, if the parser gives one, the line.

use figma_payments_openapi::{BUNDLED, BUNDLED_NAME, Document, MAX_BYTES, references};
use sha2::{Digest, Sha256};

fn refusal(text: &str) -> String {
    Document::parse("test.yml", text).unwrap_err().to_string()
}

#[test]
fn the_bundled_document_is_the_one_in_the_lock() {
    let lock: toml::Table = include_str!("../source.lock.toml").parse().unwrap();
    let bundled = &lock["bundled"];
    let document = Document::parse(BUNDLED_NAME, BUNDLED).unwrap();
    let sha256: String = Sha256::digest(BUNDLED).iter().map(|byte| format!("{byte:02x}")).collect();
    let hint =
        "the bundled document is never edited by hand; refresh it with `cargo xtask update-spec`";
    assert_eq!(bundled["sha256"].as_str(), Some(sha256.as_str()), "{hint}");
    for key in ["title", "version"] {
        let published = document.root()["info"][key].as_str();
        assert_eq!(bundled[key].as_str(), published, "{key}: {hint}");
    }
}

#[test]
fn json_is_read_too() {
    let document = Document::parse("test.json", r#"{"openapi": "3.1.0"}"#).unwrap();
    assert_eq!(document.root()["openapi"], "3.1.0");
    assert_eq!(document.name(), "test.json");
}

#[test]
fn an_unquoted_status_code_becomes_text() {
    let document = Document::parse("test.yml", "responses:\n  200: {}\n").unwrap();
    assert!(document.root().pointer("/responses/200").is_some());
}

#[test]
fn text_that_a_parser_would_change_silently_is_refused_with_its_place() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "duplicate entry with key \"a\""),
        ("a: {b: 1, b: 2}\n", "duplicate entry with key \"b\""),
        ("r: {200: 1, '200': 2}\n", "#/r: has the key `200` twice"),
        ("a: .nan\n", "#/a: the number .nan cannot be written in JSON"),
        ("a: [1, -.inf]\n", "#/a/1: the number -.inf cannot be written in JSON"),
        ("a: !secret b\n", "#/a: has the YAML tag `!secret`"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "#/c: has the YAML merge key `<<`"),
        ("a: {true: 1}\n", "#/a: has a key that is not text"),
        ("a: {~: 1}\n", "#/a: has a key that is not text"),
        ("a: 36893488147419103232\n", "integer `36893488147419103232`"),
        ("a: 1678669904810665842.5\n", "too large to be read exactly"),
        ("a/b: {c~d: .nan}\n", "#/a~1b/c~0d: "),
        ("- openapi\n", "is not an OpenAPI document"),
        ("", "is not an OpenAPI document"),
        ("a: [\n", "is not readable as YAML"),
        ("a: 1\n---\nb: 2\n", "is not readable as YAML"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with("test.yml"), "{text:?}: {refusal}");
        assert!(refusal.contains(expected), "{text:?}: {refusal}");
        assert_eq!(refusal.lines().count(), 1, "{text:?}: {refusal}");
    }
}

#[test]
fn a_parser_error_has_its_line() {
    let error = Document::parse("test.yml", "a: 1\nb:\n  c: 1\n  c: 2\n").unwrap_err();
    assert!(error.line().is_some(), "{error}");
    assert!(error.to_string().starts_with("test.yml:"), "{error}");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let last = level - 1;
        let ten = vec![format!("*a{last}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
    }
    assert!(refusal(&bomb).contains("repetition limit"));
}

#[test]
fn a_large_text_is_refused_before_it_is_parsed() {
    let large = " ".repeat(MAX_BYTES + 1);
    assert!(refusal(&large).contains("bytes long"));
}

#[test]
fn references_without_a_target_are_refused() {
    for (text, expected) in [
        ("a: {$ref: '#/b'}\n", "#/a: `$ref: #/b` refers to a place that does not exist"),
        ("a: {$ref: 'other.yml#/b'}\n", "#/a: `$ref: other.yml#/b` refers to another document"),
        ("a: {$ref: 'https://example.com/x'}\n", "refers to another document"),
        ("a: {$ref: '#anchor'}\n", "refers to another document"),
        ("a: {$ref: 1}\n", "#/a: `$ref` is not text"),
        ("a: {$ref: '#/b'}\nb: {$ref: '#/a'}\n", "refers back to itself"),
        ("a: {$ref: '#/a'}\n", "refers back to itself"),
        (
            "a: {$ref: '#/x'}\nb: {$ref: '#/c'}\nc: {$ref: '#/b'}\nx: {$ref: '#/b'}\n",
            "refers back to itself",
        ),
        ("responses: {default: {$ref: '#/b'}}\n", "#/responses/default: "),
        ("a: {examples: {x: {$ref: '#/b'}}}\n", "#/a/examples/x: "),
    ] {
        assert!(refusal(text).contains(expected), "{text:?}: {}", refusal(text));
    }
}

#[test]
fn references_with_a_target_are_followed() {
    let text = "a: {$ref: '#/b~1c/%64'}\nb/c: {d: {$ref: '#/e'}}\ne: 1\n";
    let document = Document::parse("test.yml", text).unwrap();
    assert_eq!(document.resolve(&document.root()["a"]), 1);
}

#[test]
fn data_that_looks_like_a_reference_is_data() {
    for text in [
        "a: {example: {$ref: '#/nowhere'}}\n",
        "a: {examples: [{$ref: '#/nowhere'}]}\n",
        "a: {examples: {x: {value: {$ref: '#/nowhere'}}}}\n",
        "a: {enum: [{$ref: '#/nowhere'}]}\n",
        "a: {properties: {$ref: {type: string}}}\n",
    ] {
        Document::parse("test.yml", text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
}

#[test]
fn references_are_listed_with_their_place() {
    let text = "a: {$ref: '#/b'}\nb: {items: [{$ref: '#/c'}], example: {$ref: '#/no'}}\nc: 1\n";
    let document = Document::parse("test.yml", text).unwrap();
    let found: Vec<_> = references("", document.root()).collect();
    let found: Vec<_> = found.iter().map(|(at, to)| (at.as_str(), to.as_str().unwrap())).collect();
    assert_eq!(found, [("/a", "#/b"), ("/b/items/0", "#/c")]);
}
