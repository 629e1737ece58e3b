//! Nothing, without the feature `metrics`. `metrics.rs` has the same functions.

use crate::api::types::PaymentInformation;
use crate::error::Error;
use crate::model::query::AskedBy;
use crate::platform::clock::Instant;

pub(super) fn describe() {}

pub(super) fn retry(_: AskedBy) {}

pub(super) fn unauthorized(_: AskedBy) {}

pub(super) fn rate_limited(_: AskedBy) {}

pub(super) struct CallMetrics;

impl CallMetrics {
    pub(super) fn began(_: AskedBy) -> Self {
        CallMetrics
    }

    pub(super) fn batch_waited(&mut self, _since: Instant, _until: Instant) {}

    pub(super) fn ended(&mut self, _: Result<&PaymentInformation, &Error>) {}
}

pub(crate) struct LimitWait;

impl LimitWait {
    pub(crate) fn of(_: AskedBy) -> Self {
        LimitWait
    }

    pub(crate) fn begins(&mut self) {}
}
