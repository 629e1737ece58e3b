// Before the README come the links that it has here; src/docs/ says how. Its program is
// tested by figma-payments-gate, because it needs that package.
#![cfg_attr(not(doctest), doc = include_str!("docs/links/always.md"))]
#![cfg_attr(all(not(doctest), feature = "cache"), doc = include_str!("docs/links/cache.md"))]
#![cfg_attr(not(any(doctest, feature = "cache")), doc = include_str!("docs/links/without_cache.md"))]
#![cfg_attr(all(not(doctest), feature = "sandbox"), doc = include_str!("docs/links/sandbox.md"))]
#![cfg_attr(not(any(doctest, feature = "sandbox")), doc = include_str!("docs/links/without_sandbox.md"))]
#![cfg_attr(all(not(doctest), feature = "redis"), doc = include_str!("docs/links/redis.md"))]
#![cfg_attr(not(any(doctest, feature = "redis")), doc = include_str!("docs/links/without_redis.md"))]
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
//!
//! # The reference
//!
//! One question, without a gate:
//!
//! ```no_run
//! use figma_payments::{Client, PaymentQuery, PersonalAccessToken, PluginPaymentToken, Resource};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Once, when your program starts. A client is cheap to clone.
//!     let client = Client::new(PersonalAccessToken::new(std::env::var("FIGMA_TOKEN")?)?)?;
//!
//!     // For each request of your plugin, before you do something expensive.
//!     let token = PluginPaymentToken::new("the payment token that the plugin sent")?;
//!     let query = PaymentQuery::by_token(token, Resource::plugin("1678669904810665842")?);
//!     let payment = client.get_payments(query).await?;
//!     println!("has access: {}", payment.grants_access());
//!     Ok(())
//! }
//! ```
//!
//! | To ask | |
//! |---|---|
//! | about one user | [`Client::get_payments`] |
//! | with a token that your plugin got from `getPluginPaymentTokenAsync()` | [`PaymentQuery::by_token`], [`PluginPaymentToken`] |
//! | with a user id from OAuth 2, and the id of what they use | [`PaymentQuery::by_user`], [`UserId`], [`Resource`] |
//! | about the URL of a Community page, or a `manifest.json` | [`Resource::from_community_url`], [`Resource::from_manifest`] |
//! | with an access token of the account that owns the resource | [`PersonalAccessToken`]; a new one: [`Client::set_access_token`] |
//! | and what the answer says | [`PaymentInformation`], [`PaymentInformation::grants_access`], [`PaymentStatus`] |
//!
//! | To be asked, by your plugin | |
//! |---|---|
//! | over HTTP | [the gate], the package `figma-payments-gate` |
//! | with parameters of a form or a JSON body | [`PaymentParams`] |
//! | and what to answer | [`Error::suggested_status`], [`Error::suggested_retry_after`], [Production] |
//!
//! | Many | |
//! |---|---|
//! | users to ask about | [`Client::get_payments_all`]; in a file: `figma-payments bulk` ([the program]) |
//! | callers who ask | [`Entitlements`]: answers from memory, one call for all who ask the same |
//!
//! | Errors | |
//! |---|---|
//! | what went wrong, and what to do | [`Error`], and the table in [`ErrorKind`] |
//! | which of Figma's limits a 429 is about | [`RateLimitHeaders`] |
//!
//! | Time and limits | |
//! |---|---|
//! | timeouts, the deadline, another server, another TLS | [`ClientBuilder`] |
//! | a limit to stay below | [`RateLimits`] |
//! | when a call tries again | [`RetryPolicy`] |
//! | calls, retries, 401s and 429s to count | [`Client::counters`], [`Counters`]; metrics: [Monitoring] |
//! | the longest answer that is read | [`MAX_BODY_BYTES`] |
//!
//! | Cache (feature `cache`) | |
//! |---|---|
//! | ask, or take the answer from memory | [`Entitlements::get`], [`Entitlements::get_fresh`] |
//! | the answer, where it comes from, and how old it is | [`Entitlement`], [`Source`] |
//! | how long answers are kept; outages | [`EntitlementsBuilder`] |
//! | a refund that you know of | [`Entitlements::invalidate`] |
//! | answers that you have already | [`Entitlements::prime`], [`Entitlements::prime_at`] |
//! | hits and misses to count | [`CacheCounters`] |
//!
#![cfg_attr(feature = "redis", doc = include_str!("docs/several_processes.md"))]
//! | Testing (feature `sandbox`) | |
//! |---|---|
//! | a simulated Figma | [`Sandbox`], [`Figma`], [`Purchase`], [`Settings`], [`FigmaLimits`] |
//! | answers without HTTP | [`sandbox::client`] |
//! | what goes wrong on purpose | [`Fault`], [`Calls`] |
//! | replies down to the bytes, in an order that you choose | [`ScriptedServer`], [`Gate`] |
//! | how to write such a test | [Testing] |
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod api;
#[cfg(feature = "cache")]
mod cache;
mod client;
#[cfg(any(doc, doctest))]
pub mod docs;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod model;
mod platform;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "cache")]
mod store;

pub use api::types::PaymentInformation;
#[cfg(feature = "cache")]
pub use cache::Entitlements;
#[cfg(feature = "cache")]
pub use cache::builder::EntitlementsBuilder;
#[cfg(feature = "cache")]
pub use cache::counters::CacheCounters;
#[cfg(feature = "cache")]
pub use cache::entitlement::{Entitlement, Source};
pub use client::Client;
pub use client::builder::{ClientBuilder, DEFAULT_BASE_URL};
pub use client::rate_limiter::limits::RateLimits;
pub use client::retry::RetryPolicy;
pub use client::telemetry::counters::Counters;
pub use error::{Error, ErrorKind, RateLimitHeaders};
pub use model::credentials::{AuthScheme, PersonalAccessToken, PluginPaymentToken};
pub use model::ids::{CommunityFileId, PluginId, UserId, WidgetId};
pub use model::payment::{DateOfPurchase, PaymentStatus};
pub use model::query::{AskedBy, PaymentParams, PaymentQuery};
pub use model::resource::{Resource, ResourceType};
pub use platform::exchange::MAX_BODY_BYTES;
#[cfg(feature = "redis")]
pub use store::redis::builder::RedisStoreBuilder;
#[cfg(feature = "redis")]
pub use store::redis::operator::{FleetOperator, FleetStatus, LimitStatus};
#[cfg(feature = "redis")]
pub use store::redis::{RedisHealth, RedisStore};
