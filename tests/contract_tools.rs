//! Contract tests that others wrote: Prism, Schemathesis and Redocly judge
//! client, sandbox and documents. `cargo xtask contract` installs them and runs
//! this; each test ends with a line of what was tried.
#![cfg(feature = "sandbox")]

#[path = "contract/prism.rs"]
mod prism;
#[path = "contract/redocly.rs"]
mod redocly;
#[path = "contract/schemathesis.rs"]
mod schemathesis;
#[path = "support/mod.rs"]
mod support;
#[path = "contract/tools.rs"]
mod tools;
