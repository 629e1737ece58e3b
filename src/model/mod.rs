//! The types of queries and answers.

mod api_enum;
pub(crate) mod credentials;
pub(crate) mod ids;
#[cfg(feature = "schemars")]
mod json_schema;
pub(crate) mod payment;
pub(crate) mod query;
pub(crate) mod resource;
