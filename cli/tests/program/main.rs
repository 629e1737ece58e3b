//! The program as its users run it: what it prints, its exit codes, its files,
//! and its errors.

#[path = "../support/mod.rs"]
mod support;

mod bulk;
mod check;
mod fleet;
mod outage;
mod packaging;
mod sandbox;
mod sandbox_access;
mod sandbox_page;
mod sharing;
mod statuses;
mod terminal;
