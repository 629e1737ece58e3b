//! The metrics of Redis (feature `metrics`). `no_metrics.rs` has the same functions. See
//! `client/telemetry/metrics.rs`.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const IN_USE: &str = "figma_payments_redis_in_use";
const FAILURES: &str = "figma_payments_redis_failures_total";
const PROCESSES: &str = "figma_payments_fleet_processes";
const LIMITS_DIFFER: &str = "figma_payments_fleet_limits_differ";

/// The label of a failure, and its values.
const REASON: &str = "reason";
const TIMED_OUT: &str = "timed_out";
const REFUSED: &str = "refused";

/// Tells the recorder what each metric is, and sets those to zero that are not there yet.
pub(crate) fn describe() {
    describe_gauge!(
        IN_USE,
        Unit::Count,
        "1 if this process shares limit and answers over Redis, 0 if it goes on alone."
    );
    describe_counter!(
        FAILURES,
        Unit::Count,
        "Commands that Redis did not answer in time, or refused. After each, this process goes on alone until Redis can be used."
    );
    describe_gauge!(
        PROCESSES,
        Unit::Count,
        "Processes that share limit and answers, by what Redis said last."
    );
    describe_gauge!(
        LIMITS_DIFFER,
        Unit::Count,
        "1 if another process has set another rate limit. The smallest one counts."
    );
    gauge!(IN_USE).increment(0.0);
    gauge!(PROCESSES).increment(0.0);
    gauge!(LIMITS_DIFFER).increment(0.0);
    for reason in [TIMED_OUT, REFUSED] {
        counter!(FAILURES, REASON => reason).increment(0);
    }
}

pub(crate) fn in_use(is_used: bool) {
    gauge!(IN_USE).set(if is_used { 1.0 } else { 0.0 });
}

pub(crate) fn failure(timed_out: bool) {
    let reason = if timed_out { TIMED_OUT } else { REFUSED };
    counter!(FAILURES, REASON => reason).increment(1);
}

pub(crate) fn processes(processes: u32) {
    gauge!(PROCESSES).set(processes);
}

pub(crate) fn disagree(disagree: bool) {
    gauge!(LIMITS_DIFFER).set(if disagree { 1.0 } else { 0.0 });
}
