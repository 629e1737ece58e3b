//! What a request gets: the route's answer, or a refusal, over axum and over hyper alone.
#![cfg(feature = "axum")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "metrics")]
mod metrics;
mod mistakes;
mod outage;
mod outcomes;
mod page;
mod services;
