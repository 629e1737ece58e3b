use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Call this before the first `Client` is built. The page is what the handle renders.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    exporter()?.install_recorder()
}

/// With buckets that fit the limits of a call: a timeout of 5 s and a deadline of 12 s.
pub fn exporter() -> Result<PrometheusBuilder, BuildError> {
    let calls = Matcher::Full("figma_payments_call_duration_seconds".to_owned());
    let waits = Matcher::Full("figma_payments_rate_limit_wait_seconds".to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(calls, &[0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 8.0, 12.0])?
        .set_buckets_for_metric(waits, &[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 1800.0])
}
