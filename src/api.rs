//! What is generated from the document: the bindings and the operation's constants.
//! The models are public. The generated client is not, because its errors print
//! tokens; [`Client`](crate::Client) uses it.

#[allow(missing_docs, dead_code, rustdoc::bare_urls, reason = "written by progenitor")]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

/// The operation's method and path.
#[cfg_attr(not(feature = "sandbox"), allow(dead_code, reason = "the sandbox needs more of it"))]
pub(crate) mod operation {
    include!(concat!(env!("OUT_DIR"), "/operation.rs"));
}

pub(crate) use bindings::Client;
pub use bindings::types;
