//! The payments part of a document: the operation and everything that it refers to,
//! directly or not, in an order that depends on the document alone.

mod circles;
pub mod cut;
pub mod endpoint;
pub mod part;
