//! Where a document comes from: npm, an `https://` URL or a file. Everything that is
//! fetched is checked before it is used.

pub mod fetch;
mod https;
pub mod npm;
pub mod origin;
mod read;
