//! The metrics of a client (feature `metrics`), by the facade of that name.
//! `no_metrics.rs` has the same functions. Names follow Prometheus's conventions: counters
//! end in `_total`, units are seconds. `docs/monitoring.md` lists all of it.
//!
//! Each metric is looked up when something happens, so that a recorder that is installed
//! after the client was built gets the metrics too. Only the descriptions and the zeros
//! are missing then.

use std::time::Duration;

use metrics::{
    Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::api::types::PaymentInformation;
use crate::error::{Error, ErrorKind};
use crate::model::payment::PaymentStatus;
use crate::model::query::AskedBy;
use crate::platform::clock::Instant;

const CALLS: &str = "figma_payments_calls_total";
const CALL_DURATION: &str = "figma_payments_call_duration_seconds";
const CALLS_IN_PROGRESS: &str = "figma_payments_calls_in_progress";
const CALLS_NOT_SENT: &str = "figma_payments_calls_not_sent_total";
const RETRIES: &str = "figma_payments_retries_total";
const UNAUTHORIZED: &str = "figma_payments_unauthorized_total";
const RATE_LIMITED: &str = "figma_payments_rate_limited_total";
const RATE_LIMIT_WAIT: &str = "figma_payments_rate_limit_wait_seconds";

/// The labels.
const ASKED_BY: &str = "asked_by";
const OUTCOME: &str = "outcome";

/// The outcome of a call that was dropped before it ended.
const CANCELLED: &str = "cancelled";

/// How a call can end with an answer, or without its end.
const OUTCOMES: [&str; 6] = ["paid", "trial", "unpaid", "not_supported", "unknown", CANCELLED];

/// How a call can end with an error. The others are those of a call that does not begin.
const ERRORS: [ErrorKind; 13] = [
    ErrorKind::BadRequest,
    ErrorKind::Unauthorized,
    ErrorKind::Forbidden,
    ErrorKind::NotFound,
    ErrorKind::RateLimited,
    ErrorKind::Server,
    ErrorKind::Timeout,
    ErrorKind::Connect,
    ErrorKind::Transport,
    ErrorKind::Redirect,
    ErrorKind::BodyTooLarge,
    ErrorKind::InvalidResponse,
    ErrorKind::Mismatch,
];

/// Tells the recorder what each metric is, and sets every counter to zero that is not
/// there yet: a counter that appears with its first event seems not to have risen.
pub(super) fn describe() {
    describe_counter!(CALLS, Unit::Count, "Calls that ended.");
    describe_histogram!(
        CALL_DURATION,
        Unit::Seconds,
        "How long a caller waited for the outcome of a call, in seconds."
    );
    describe_gauge!(
        CALLS_IN_PROGRESS,
        Unit::Count,
        "Calls that have begun and not ended, those that wait for the rate limit included."
    );
    describe_counter!(
        CALLS_NOT_SENT,
        Unit::Count,
        "Calls that were refused without a request, by the rate limit that is set or by the pause after a 429."
    );
    describe_counter!(RETRIES, Unit::Count, "Attempts after the first one of a call.");
    describe_counter!(
        UNAUTHORIZED,
        Unit::Count,
        "Responses with status 401. Asked by user: the access token was refused. Asked by token: mostly the payment token."
    );
    describe_counter!(RATE_LIMITED, Unit::Count, "Responses with status 429.");
    describe_histogram!(
        RATE_LIMIT_WAIT,
        Unit::Seconds,
        "How long an attempt waited for the rate limit or a pause, in seconds, if it had to wait."
    );
    for asked_by in [AskedBy::User, AskedBy::Token].map(AskedBy::as_str) {
        for outcome in OUTCOMES.into_iter().chain(ERRORS.map(ErrorKind::as_str)) {
            counter!(CALLS, ASKED_BY => asked_by, OUTCOME => outcome).increment(0);
        }
        for name in [CALLS_NOT_SENT, RETRIES, UNAUTHORIZED, RATE_LIMITED] {
            counter!(name, ASKED_BY => asked_by).increment(0);
        }
        gauge!(CALLS_IN_PROGRESS, ASKED_BY => asked_by).increment(0.0);
    }
}

pub(super) fn retry(asked_by: AskedBy) {
    counter!(RETRIES, ASKED_BY => asked_by.as_str()).increment(1);
}

pub(super) fn unauthorized(asked_by: AskedBy) {
    counter!(UNAUTHORIZED, ASKED_BY => asked_by.as_str()).increment(1);
}

pub(super) fn rate_limited(asked_by: AskedBy) {
    counter!(RATE_LIMITED, ASKED_BY => asked_by.as_str()).increment(1);
}

/// The metrics of one call. They are recorded when it is dropped, so also for a call that
/// was cancelled.
pub(super) struct CallMetrics {
    asked_by: &'static str,
    began: Instant,
    /// The time that a batch has waited for slots.
    waited: Duration,
    outcome: &'static str,
    /// Kept until the call has ended, so that what was added here is taken away here, also
    /// when a recorder was installed meanwhile.
    in_progress: Gauge,
}

impl CallMetrics {
    pub(super) fn began(asked_by: AskedBy) -> Self {
        let asked_by = asked_by.as_str();
        let in_progress = gauge!(CALLS_IN_PROGRESS, ASKED_BY => asked_by);
        in_progress.increment(1.0);
        CallMetrics {
            asked_by,
            began: Instant::now(),
            waited: Duration::ZERO,
            outcome: CANCELLED,
            in_progress,
        }
    }

    pub(super) fn batch_waited(&mut self, since: Instant, until: Instant) {
        self.waited += until.saturating_duration_since(since);
    }

    pub(super) fn ended(&mut self, outcome: Result<&PaymentInformation, &Error>) {
        self.outcome = match outcome {
            Ok(payment) => match payment.payment_status {
                PaymentStatus::Paid => "paid",
                PaymentStatus::Trial => "trial",
                PaymentStatus::Unpaid => "unpaid",
                PaymentStatus::NotSupported => "not_supported",
                PaymentStatus::Unknown(_) => "unknown",
            },
            Err(error) => {
                if error.kind() == ErrorKind::RateLimited && error.attempts() == 0 {
                    counter!(CALLS_NOT_SENT, ASKED_BY => self.asked_by).increment(1);
                }
                error.kind().as_str()
            }
        };
    }
}

impl Drop for CallMetrics {
    fn drop(&mut self) {
        let (asked_by, outcome) = (self.asked_by, self.outcome);
        let duration = self.began.elapsed().saturating_sub(self.waited);
        self.in_progress.decrement(1.0);
        counter!(CALLS, ASKED_BY => asked_by, OUTCOME => outcome).increment(1);
        histogram!(CALL_DURATION, ASKED_BY => asked_by, OUTCOME => outcome).record(duration);
    }
}

/// The wait of an attempt for the rate limit. It ends when this is dropped, with a slot or
/// without, and is not recorded if it has not begun.
pub(crate) struct LimitWait {
    asked_by: AskedBy,
    began: Option<Instant>,
}

impl LimitWait {
    pub(crate) fn of(asked_by: AskedBy) -> Self {
        LimitWait { asked_by, began: None }
    }

    /// Begins, unless it has begun.
    pub(crate) fn begins(&mut self) {
        self.began.get_or_insert_with(Instant::now);
    }
}

impl Drop for LimitWait {
    fn drop(&mut self) {
        if let Some(began) = self.began {
            let asked_by = self.asked_by.as_str();
            histogram!(RATE_LIMIT_WAIT, ASKED_BY => asked_by).record(began.elapsed());
        }
    }
}
