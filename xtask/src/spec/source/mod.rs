//! Where a document comes from: npm, an `https://` URL or a file. Whatever is
//! fetched is checked before anything reads it.

mod fetch;
mod https;
pub mod npm;

pub use fetch::{Checksum, Fetched, Origin, Source};
