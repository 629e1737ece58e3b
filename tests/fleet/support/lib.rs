//! What the drills share: real redis-servers alone, in a cluster and under Sentinel; a
//! network that can be made worse; a Figma that counts; and processes of a fleet.
//!
//! Everything listens on loopback, on ports that were free, and ends when it is dropped.

pub mod certificate;
pub mod figma;
pub mod folder;
pub mod histogram;
pub mod process;
pub mod protocol;
pub mod proxy;
pub mod redis_server;
mod runtime;
pub mod signal;
pub mod turn;
pub mod wait;
