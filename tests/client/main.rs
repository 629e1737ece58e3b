//! One call of the client against scripted servers on loopback: the question, the
//! request, the answer, the connection, and the limits.

#[cfg(feature = "sandbox")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "sandbox")]
mod answers;
mod bindings;
#[cfg(all(feature = "sandbox", feature = "rustls"))]
mod connections;
#[cfg(feature = "sandbox")]
mod limits;
#[cfg(feature = "sandbox")]
mod queries;
#[cfg(feature = "sandbox")]
mod requests;
#[cfg(feature = "sandbox")]
mod suggestions;
