//! What newcomers read and start: the examples as running programs, asked over HTTP, and
//! the links of the README.
#![cfg(all(feature = "cache", feature = "sandbox"))]

#[path = "../support/mod.rs"]
mod support;

mod backend;
mod plugin_backend;
mod readme;
mod worker;
mod workerd;
