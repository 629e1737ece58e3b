#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
pub mod api;
mod builder;
#[cfg(feature = "cache")]
mod cache;
mod client;
#[cfg(not(target_arch = "wasm32"))]
mod clock;
mod credentials;
#[cfg(all(feature = "rustls", not(target_arch = "wasm32")))]
mod direct;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(not(target_arch = "wasm32"))]
mod http;
mod payment;
mod query;
#[cfg(not(target_arch = "wasm32"))]
mod reqwest_tls;
mod resource;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "schemars")]
mod schemas;
mod secrets;
mod shape;
#[cfg(not(target_arch = "wasm32"))]
mod task;
#[cfg(all(feature = "rustls", not(target_arch = "wasm32")))]
mod tls;
#[cfg(not(target_arch = "wasm32"))]
mod transport;
#[cfg(target_arch = "wasm32")]
mod wasm;
mod watch;

#[cfg(target_arch = "wasm32")]
use wasm::{clock, http, task, transport};

pub use answer::MAX_BODY_BYTES;
pub use api::types::PaymentInformation;
pub use builder::{ClientBuilder, DEFAULT_BASE_URL};
#[cfg(feature = "cache")]
pub use cache::{CacheCounters, Entitlement, Entitlements, EntitlementsBuilder, Source};
pub use client::{Client, RateLimits, RetryPolicy};
pub use credentials::{AuthScheme, PersonalAccessToken, PluginPaymentToken};
pub use error::{Error, ErrorKind, RateLimit};
pub use payment::{DateOfPurchase, PaymentStatus, ResourceType};
pub use query::{AskedBy, PaymentParams, PaymentQuery};
pub use resource::{CommunityFileId, PluginId, Resource, UserId, WidgetId};
pub use watch::Counters;
