//! Contract tests that others wrote: Prism, Schemathesis and Redocly judge
//! client, sandbox and documents. `cargo xtask contract` installs them and runs
//! this; each test ends with a line of what was tried.
#![cfg(feature = "sandbox")]

mod common;
#[path = "contract/prism.rs"]
mod prism;
#[path = "contract/redocly.rs"]
mod redocly;
#[path = "contract/schemathesis.rs"]
mod schemathesis;
#[path = "contract/tools.rs"]
mod tools;
