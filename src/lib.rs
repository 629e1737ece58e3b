#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
pub mod api;
mod builder;
mod bulk;
mod client;
mod credentials;
#[cfg(feature = "cache")]
mod entitlements;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod limit;
mod payment;
mod query;
mod resource;
mod retry;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "schemars")]
mod schemas;
mod secrets;
mod tls;
mod transport;
mod watch;

pub use api::types::PaymentInformation;
pub use builder::{ClientBuilder, DEFAULT_BASE_URL};
pub use client::Client;
pub use credentials::{AuthScheme, PersonalAccessToken, PluginPaymentToken};
#[cfg(feature = "cache")]
pub use entitlements::{CacheCounters, Entitlement, Entitlements, EntitlementsBuilder, Source};
pub use error::{Error, ErrorKind, RateLimit};
pub use limit::RateLimits;
pub use payment::{DateOfPurchase, PaymentStatus, ResourceType};
pub use query::{PaymentParams, PaymentQuery};
pub use resource::{CommunityFileId, PluginId, Resource, UserId, WidgetId};
pub use retry::RetryPolicy;
pub use transport::MAX_BODY_BYTES;
pub use watch::Counters;
