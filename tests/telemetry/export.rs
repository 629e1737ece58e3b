//! Spans and events as `tracing-opentelemetry` gives them to an exporter.

use opentelemetry::trace::{Event, TracerProvider};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::run::{run_at_once, turn};

/// Runs the test and gives the spans that it has ended, in the order of their beginning.
/// Without what the layer itself adds to each: thread, place in the code, times.
pub fn spans_of(level: LevelFilter, test: impl Future<Output = ()>) -> Vec<SpanData> {
    let _turn = turn();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false);
    let subscriber = tracing_subscriber::registry().with(level).with(layer);
    tracing::subscriber::with_default(subscriber, || run_at_once(test));
    let mut spans = exporter.get_finished_spans().unwrap();
    spans.sort_by_key(|span| span.start_time);
    spans
}

/// A span as text: its name, kind and status, a line for each attribute, and its events,
/// without those of the HTTP library. A text is quoted and a number is not. The port, which
/// is another one in each run, is shown as `PORT` if it is a number.
pub fn shown(span: &SpanData) -> String {
    let mut lines = vec![format!("{}, {:?}, {:?}", span.name, span.span_kind, span.status)];
    lines.extend(span.attributes.iter().map(attribute));
    let is_ours = |event: &&Event| {
        let target = event.attributes.iter().find(|it| it.key.as_str() == "target");
        target.is_some_and(|target| target.value.as_str().starts_with("figma_payments::"))
    };
    for event in span.events.iter().filter(is_ours) {
        lines.push(format!("- {}", event.name));
        lines.extend(event.attributes.iter().map(attribute));
    }
    lines.join("\n")
}

fn attribute(KeyValue { key, value, .. }: &KeyValue) -> String {
    match value {
        Value::I64(_) if key.as_str() == "server.port" => format!("  {key}: PORT"),
        Value::I64(number) => format!("  {key}: {number}"),
        Value::Bool(truth) => format!("  {key}: {truth}"),
        Value::String(text) => format!("  {key}: {:?}", text.as_str()),
        other => panic!("{key}: {other:?} is of a type that no attribute here has"),
    }
}
