//! Contract tests: client, models and sandbox against the corrected document, judged
//! by what others wrote: `jsonschema`, and `httpmock` with progenitor's own helpers.
//! The ignored ones, of Prism, Schemathesis and Redocly, run with `cargo xtask
//! contract`, which installs these. What a tool tried is reported in a line.

mod document;
mod examples;
mod exchanges;
mod mocks;
mod prism;
mod redocly;
mod samples;
mod schemathesis;
mod tools;
// The library's tests have it too.
#[path = "../support/wire.rs"]
mod wire;
