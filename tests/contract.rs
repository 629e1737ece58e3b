//! Contract tests: client, models and sandbox against the corrected document,
//! by means of validators that others wrote.
#![cfg(all(feature = "sandbox", feature = "schemars"))]

#[path = "contract/document.rs"]
mod document;
#[path = "contract/examples.rs"]
mod examples;
#[path = "contract/exchanges.rs"]
mod exchanges;
#[path = "contract/mocks.rs"]
mod mocks;
#[path = "contract/samples.rs"]
mod samples;
#[path = "support/mod.rs"]
mod support;
#[path = "contract/tools.rs"]
mod tools;
