//! What maintainers run: `cargo xtask COMMAND`. The commands are in the
//! binary; what they do is here, so that tests can call it.

pub mod command;
pub mod diff;
pub mod exclusive;
pub mod lock;
pub mod readme;
pub mod replace;
pub mod replay;
pub mod slice;
pub mod source;
pub mod update;
pub mod workspace;
