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
pub use cache::{CacheCounters, Entitlement, Entitlements, EntitlementsBuilder, Source};
pub use client::builder::{ClientBuilder, DEFAULT_BASE_URL};
pub use client::decode::MAX_BODY_BYTES;
pub use client::telemetry::Counters;
pub use client::{Client, RateLimits, RetryPolicy};
pub use error::{Error, ErrorKind, RateLimit};
pub use model::credentials::{AuthScheme, PersonalAccessToken, PluginPaymentToken};
pub use model::ids::{CommunityFileId, PluginId, UserId, WidgetId};
pub use model::payment::{DateOfPurchase, PaymentStatus};
pub use model::query::{AskedBy, PaymentParams, PaymentQuery};
pub use model::resource::{Resource, ResourceType};
