//! The sandbox and the scripted server, in the test's own process.
#![cfg(feature = "sandbox")]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod figma;
mod gate;
