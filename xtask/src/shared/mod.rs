//! What both [`spec`](crate::spec) and [`tasks`](crate::tasks) use.

pub mod debian;
pub mod exclusive;
pub mod process;
pub mod workspace;
