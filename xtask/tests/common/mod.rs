//! What the tests share.
#![allow(dead_code, reason = "not every test needs every helper")]

#[cfg(unix)]
pub mod checkout;
pub mod mutations;
