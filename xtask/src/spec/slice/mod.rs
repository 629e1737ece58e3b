//! The payments part of a document: the operation and the closure of what it
//! refers to. Nothing else, in an order that depends on the document alone.

mod circles;
mod cut;
mod part;

pub use cut::{Place, slice};
pub use part::{Slice, sha256};
