//! `Entitlements`: what is remembered, for how long, and what comes of an outage.
#![cfg(all(feature = "cache", feature = "sandbox"))]

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod entitlements;
mod outage;
mod priming;
mod races;
mod refused_tokens;
mod renewal;
