//! What maintainers run: `cargo xtask COMMAND`.

pub mod shared;
pub mod spec;
pub mod tasks;
