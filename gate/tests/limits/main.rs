//! How many calls to Figma a caller may cause, and how many questions may be under way.
#![cfg(feature = "axum")]

#[path = "../support/mod.rs"]
mod support;

mod callers;
mod forged;
mod places;
