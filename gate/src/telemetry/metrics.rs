//! The metrics of the gate (feature `metrics`), by the facade of that name.
//! `no_metrics.rs` has the same functions. Each metric is looked up when something happens,
//! so that a recorder that is installed later gets it too. Only the descriptions and the
//! zeros are missing then.

use figma_payments::Source;
use metrics::{Unit, counter, describe_counter};

use crate::refusal::Problem;

const GRANTED: &str = "figma_payments_gate_granted_total";
const REFUSALS: &str = "figma_payments_gate_refusals_total";

/// The labels.
const REASON: &str = "reason";
const SOURCE: &str = "source";

/// Tells the recorder what each metric is, and sets every counter to zero that is not
/// there yet: a counter that appears with its first event seems not to have risen.
pub(super) fn describe() {
    describe_counter!(GRANTED, Unit::Count, "Requests that got through the gate.");
    describe_counter!(REFUSALS, Unit::Count, "Requests that the gate refused.");
    for source in [Source::Fresh, Source::Cached, Source::Stale] {
        counter!(GRANTED, SOURCE => source.as_str()).increment(0);
    }
    for problem in Problem::ALL {
        counter!(REFUSALS, REASON => problem.reason()).increment(0);
    }
}

pub(super) fn granted(source: &'static str) {
    counter!(GRANTED, SOURCE => source).increment(1);
}

pub(super) fn refused(reason: &'static str) {
    counter!(REFUSALS, REASON => reason).increment(1);
}
