//! What changed between two documents, for the payments operation: a semantic
//! comparison of the documents as published, and of what is left of each
//! change after this crate's corrections.

mod answers;
mod checks;
mod choices;
mod comparison;
mod limits;
mod normalized;
mod operation;
mod render;
mod report;
mod request;
mod schemas;
mod security;
mod words;

pub use checks::ids;
pub use comparison::{compare, diff};
pub use render::Format;
pub use report::{Change, CorrectionState, Level, Report, Verdict};
