//! The examples as running programs, asked over HTTP.
#![cfg(all(feature = "cache", feature = "sandbox"))]

#[path = "../support/mod.rs"]
mod support;

mod worker;
mod workerd;
