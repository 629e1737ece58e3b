//! The generated bindings. The models are public; the generated client is used
//! by [`Client`](crate::Client) and not shown, because its errors print tokens.

#[allow(missing_docs, dead_code, rustdoc::bare_urls, reason = "written by progenitor")]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

pub(crate) use bindings::Client;
pub use bindings::types;
