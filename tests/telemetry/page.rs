//! The page that Prometheus reads.

use std::collections::{BTreeMap, BTreeSet};

use metrics_exporter_prometheus::PrometheusRecorder;

use crate::run::run;
use crate::setup;

/// The page after a test.
pub struct Page(pub String);

impl Page {
    /// Runs the test with a recorder of its own.
    pub fn of(test: impl Future<Output = ()>) -> Self {
        let recorder = recorder();
        metrics::with_local_recorder(&recorder, || run(test));
        Page(recorder.handle().render())
    }

    /// The value of a series, by its name and labels as the page has them.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// All series of this metric that are not zero, without its name.
    pub fn series(&self, name: &str) -> BTreeMap<&str, f64> {
        let of_metric = self.0.lines().filter_map(|line| {
            let (labels, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then(|| (labels, value.parse().unwrap()))
        });
        of_metric.filter(|(_, value)| *value != 0.0).collect()
    }

    /// The metrics, by name, with their types.
    pub fn types(&self) -> BTreeMap<&str, &str> {
        let types = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        types.collect()
    }

    /// The names of a metric's labels, without that of a histogram's buckets.
    pub fn labels(&self, name: &str) -> BTreeSet<&str> {
        let of_metric = self.0.lines().filter_map(|line| line.strip_prefix(name)?.split_once('{'));
        let of_metric = of_metric.filter(|(suffix, _)| ["", "_bucket"].contains(suffix));
        let labels = of_metric.filter_map(|(_, rest)| Some(rest.split_once('}')?.0));
        let names = labels.flat_map(|labels| labels.split(',')).filter_map(|it| it.split_once('='));
        names.map(|(name, _)| name).filter(|name| *name != "le").collect()
    }

    /// The metrics that have a description.
    pub fn described(&self) -> BTreeSet<&str> {
        let descriptions = self.0.lines().filter_map(|line| line.strip_prefix("# HELP "));
        descriptions.filter_map(|line| Some(line.split_once(' ')?.0)).collect()
    }
}

pub fn recorder() -> PrometheusRecorder {
    setup::exporter().unwrap().build_recorder()
}
