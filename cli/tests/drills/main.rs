//! The program under load and under SIGKILL. A test program of its own: what it
//! does to the machine would make the other tests late, and one test measures the
//! memory of its process.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod bulk;
mod sandbox;
