//! The metrics of the cache (feature `metrics`), of all caches in the process together.
//! `no_metrics.rs` has the same functions. See `client/telemetry/metrics.rs`.

use metrics::{Unit, counter, describe_counter};

use crate::store::metrics as store;

const HITS: &str = "figma_payments_cache_hits_total";
const MISSES: &str = "figma_payments_cache_misses_total";
const JOINED: &str = "figma_payments_cache_joined_total";
const STALE: &str = "figma_payments_cache_stale_total";
const REFUSED_TOKENS: &str = "figma_payments_cache_refused_tokens_total";
const RENEWALS: &str = "figma_payments_cache_renewals_total";

/// Tells the recorder what each metric is, and sets those to zero that are not there yet.
pub(super) fn describe() {
    store::describe();
    describe_counter!(HITS, Unit::Count, "Calls that were answered from memory.");
    describe_counter!(MISSES, Unit::Count, "Calls whose answer was not in memory, or was too old.");
    describe_counter!(
        JOINED,
        Unit::Count,
        "Misses that waited for the question of another call instead of asking."
    );
    describe_counter!(
        STALE,
        Unit::Count,
        "Misses that got an answer from memory that is too old, because of an outage."
    );
    describe_counter!(
        REFUSED_TOKENS,
        Unit::Count,
        "Calls that were refused without a request, because their payment token was refused just before."
    );
    describe_counter!(
        RENEWALS,
        Unit::Count,
        "Answers that were asked for again in the background before their time ended."
    );
    for name in [HITS, MISSES, JOINED, STALE, REFUSED_TOKENS, RENEWALS] {
        counter!(name).increment(0);
    }
}

pub(super) fn hit() {
    counter!(HITS).increment(1);
}

pub(super) fn miss() {
    counter!(MISSES).increment(1);
}

pub(super) fn joined() {
    counter!(JOINED).increment(1);
}

pub(super) fn stale() {
    counter!(STALE).increment(1);
}

pub(super) fn refused_token() {
    counter!(REFUSED_TOKENS).increment(1);
}

pub(super) fn renewal() {
    counter!(RENEWALS).increment(1);
}
