//! The settings of a client, after the builder has checked them.

use std::time::Duration;

use super::rate_limiter::limits::RateLimits;
use super::retry::RetryPolicy;
use crate::model::credentials::AuthScheme;

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) auth_scheme: AuthScheme,
    /// For one attempt.
    pub(crate) timeout: Duration,
    /// For a call, with all its attempts and waits.
    pub(crate) deadline: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) rate_limits: RateLimits,
}
