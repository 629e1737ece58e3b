//! The examples as running programs, asked over HTTP.
#![cfg(all(feature = "cache", feature = "sandbox"))]

#[path = "../support/mod.rs"]
mod support;

mod backend;
mod plugin_backend;
mod worker;
mod workerd;
