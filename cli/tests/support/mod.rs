//! What the tests of the program share.
#![allow(dead_code, reason = "not every test program needs every helper")]

pub mod bulk;
pub mod program;
pub mod redis;
// The library's tests have it too.
#[path = "../../../tests/support/wire.rs"]
pub mod wire;

/// A real plugin id, which a float would change.
pub const LARGE_ID: &str = "1678669904810665842";

/// The size of a drill: in full for `cargo xtask deep`.
pub fn size(full: usize, small: usize) -> usize {
    match std::env::var_os("FIGMA_PAYMENTS_DEEP") {
        Some(_) => full,
        None => small,
    }
}
