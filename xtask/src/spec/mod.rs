//! `update-spec`, `diff-spec` and `replay-spec`: what Figma changed in its
//! document, and how a new version of it becomes the bundled one.
//!
//! From a command to the bundled files: [`command`] reads the arguments, [`source`]
//! fetches a document, [`mod@slice`] cuts the payments part out of it, [`diff`] compares it
//! with another, [`trial`] builds the crate with it, and [`replace`] writes the files.

pub mod bundled;
pub mod command;
pub mod compared;
pub mod diff;
pub mod digest;
pub mod escape;
pub mod fail_on;
pub mod files;
pub mod lock;
pub mod output;
pub mod replace;
pub mod replay;
pub mod slice;
pub mod source;
pub mod trial;
pub mod update;
