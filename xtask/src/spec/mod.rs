//! `update-spec`, `diff-spec` and `replay-spec`: what Figma changed in its
//! document, and how a new version of it becomes the bundled one.

pub mod command;
pub mod diff;
pub mod lock;
pub mod replace;
pub mod replay;
pub mod slice;
pub mod source;
pub mod update;
