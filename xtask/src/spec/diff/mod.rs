//! What changed between two documents for the payments operation. The documents are
//! compared twice: as published, and after this crate's corrections. What is left after
//! the corrections is the effect on this crate.
//!
//! [`compare::diff`] is the entry. `operation` compares the operation as a whole and
//! calls the files for its parts; `checks` lists every kind of change.

pub mod checks;
pub mod compare;
pub mod render;
pub mod report;

mod alternatives;
mod comparison;
mod content;
mod describe;
mod limits;
mod mapping;
mod normalized;
mod operation;
mod pair;
mod request;
mod responses;
mod schema_place;
mod schemas;
mod security;
mod words;
