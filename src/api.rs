//! What the build generates from the bundled OpenAPI document. The models are public.
//! The generated client is private, because its errors print tokens;
//! [`Client`](crate::Client) wraps it.

#[allow(missing_docs, dead_code, rustdoc::bare_urls, reason = "written by progenitor")]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

/// The operation's method and path.
#[cfg_attr(
    not(feature = "sandbox"),
    allow(dead_code, reason = "the sandbox uses all of it, the client only a part")
)]
pub(crate) mod operation {
    include!(concat!(env!("OUT_DIR"), "/operation.rs"));
}

pub(crate) use bindings::Client;
pub use bindings::types;
