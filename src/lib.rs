#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod api;
#[cfg(feature = "cache")]
mod cache;
mod client;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod model;
mod platform;
#[cfg(feature = "sandbox")]
pub mod sandbox;

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
pub use client::telemetry::Counters;
pub use error::{Error, ErrorKind, RateLimitHeaders};
pub use model::credentials::{AuthScheme, PersonalAccessToken, PluginPaymentToken};
pub use model::ids::{CommunityFileId, PluginId, UserId, WidgetId};
pub use model::payment::{DateOfPurchase, PaymentStatus};
pub use model::query::{AskedBy, PaymentParams, PaymentQuery};
pub use model::resource::{Resource, ResourceType};
pub use platform::exchange::MAX_BODY_BYTES;
