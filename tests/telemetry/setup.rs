use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// An exporter whose buckets fit a call's timeout of 5 s and its deadline of 12 s.
pub fn exporter() -> Result<PrometheusBuilder, BuildError> {
    let buckets = |name: &str, seconds: &[f64]| (Matcher::Full(name.to_owned()), seconds.to_vec());
    let histograms = [
        buckets(
            "figma_payments_call_duration_seconds",
            &[0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 8.0, 12.0],
        ),
        buckets(
            "figma_payments_rate_limit_wait_seconds",
            &[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 1800.0],
        ),
    ];
    histograms.into_iter().try_fold(PrometheusBuilder::new(), |exporter, (name, buckets)| {
        exporter.set_buckets_for_metric(name, &buckets)
    })
}
