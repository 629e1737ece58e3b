//! The lock was written for the bundled document. Needs no network.

use figma_payments_openapi::{BUNDLED, BUNDLED_NAME, Document};
use xtask::spec::digest::sha256;
use xtask::spec::lock::Lock;
use xtask::spec::slice::cut::slice;

const LOCK: &str = include_str!("../../openapi/source.lock.toml");
const HINT: &str = "refresh with `cargo xtask update-spec`, never by hand";

#[test]
fn the_lock_is_the_one_that_was_written_for_the_bundled_document() {
    let lock = Lock::parse(LOCK).unwrap();
    let document = Document::parse(BUNDLED_NAME, BUNDLED).unwrap();
    let slice = slice(&document).unwrap();
    assert_eq!(lock.bundled.sha256, sha256(BUNDLED.as_bytes()), "{HINT}");
    assert_eq!(lock.bundled.slice, slice.hash(), "{HINT}");
    assert_eq!(lock.bundled.version, slice.version(), "{HINT}");
    assert_eq!(lock.bundled.title, slice.title(), "{HINT}");
    assert_eq!(LOCK, lock.to_text(), "{HINT}");
}

#[test]
fn a_version_was_reviewed() {
    let reviewed = Lock::parse(LOCK).unwrap().reviewed.unwrap();
    assert!(reviewed.package.integrity.starts_with("sha512-"));
    assert_eq!(reviewed.slice.len(), 64);
}

#[test]
fn a_lock_survives_being_written_and_read() {
    let mut lock = Lock::parse(LOCK).unwrap();
    lock.bundled.source = "a \"quoted\" name\\with\ta tab and an é".to_owned();
    lock.bundled.checksum = Some("sha512-x".to_owned());
    assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
    lock.reviewed = None;
    assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
}
