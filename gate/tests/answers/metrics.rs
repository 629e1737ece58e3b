//! The metrics, as a recorder gets them.

use figma_payments_gate::PaymentGate;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::support::server::Server;
use crate::support::{entitlements, figma, gate, plugin};

/// The gate's counters, as `name{label}` and value, sorted.
fn counters(recorder: &Snapshotter) -> Vec<(String, u64)> {
    let series = recorder.snapshot().into_vec().into_iter().filter_map(|(key, _, help, value)| {
        let (_, key) = key.into_parts();
        let name = key.name().strip_prefix("figma_payments_gate_")?.to_owned();
        assert!(help.is_some(), "{name} has no description");
        let labels: Vec<_> =
            key.labels().map(|it| format!("{}={}", it.key(), it.value())).collect();
        match value {
            DebugValue::Counter(count) => Some((format!("{name}{{{}}}", labels.join(",")), count)),
            other => panic!("{name} is {other:?}"),
        }
    });
    let mut series: Vec<_> = series.collect();
    series.sort();
    series
}

#[tokio::test]
async fn what_the_gate_does_is_counted_and_begins_with_zero() {
    let recorder = DebuggingRecorder::new();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let snapshots = recorder.snapshotter();
    let figma = figma().await;
    let gate = gate(&figma);
    let zeros = counters(&snapshots);
    assert_eq!(zeros.len(), 12, "{zeros:?}");
    assert!(zeros.iter().all(|(_, count)| *count == 0), "{zeros:?}");

    let [(_, server), _] = Server::both(&gate).await;
    for token in ["paid", "paid", "tester", "unpaid", "forged", "forged", "forged"] {
        server.ask(&format!("ppt_MARKED_{token}")).await;
    }
    server.ask("").await;
    let nobody = PaymentGate::new(entitlements(&figma), plugin()).max_questions(0);
    Server::both(&nobody).await[0].1.ask("ppt_MARKED_paid").await;
    let counted: Vec<_> =
        counters(&snapshots).into_iter().filter(|(_, count)| *count > 0).collect();
    let expected = [
        ("granted_total{source=cached}", 1),
        ("granted_total{source=fresh}", 2),
        ("refusals_total{reason=busy}", 1),
        ("refusals_total{reason=payment_required}", 1),
        ("refusals_total{reason=token_missing}", 1),
        ("refusals_total{reason=token_refused}", 3),
    ];
    assert_eq!(counted, expected.map(|(name, count)| (name.to_owned(), count)));
}
