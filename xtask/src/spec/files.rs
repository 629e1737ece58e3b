//! The files of the checkout that `update-spec` replaces.

/// The bundled document.
pub const DOCUMENT: &str = "openapi/figma-payments-api-openapi.yml";
/// Where the bundled document came from.
pub const LOCK: &str = "openapi/source.lock.toml";
/// The outcome of each correction of the bundled document, compared by a test.
pub const CORRECTIONS: &str = "openapi/tests/corrections.lock.txt";
/// The code that is generated from the bundled document, compared by a test.
pub const SNAPSHOT: &str = "tests/snapshots/bindings.rs";

/// All of them, in the order in which they are replaced.
pub const FILES: [&str; 4] = [DOCUMENT, CORRECTIONS, SNAPSHOT, LOCK];
