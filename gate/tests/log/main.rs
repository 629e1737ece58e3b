//! What the log says, and what it never shows. A test program of its own, where every test
//! has a subscriber: `tracing` remembers that nobody listens if a thread without one comes
//! first.
#![cfg(feature = "axum")]

#[path = "../support/mod.rs"]
mod support;

use figma_payments::sandbox::{Reply, ScriptedServer};
use figma_payments::{Client, Entitlements, PersonalAccessToken};
use figma_payments_gate::{Caller, PaymentGate};
use tracing::Level;
use tracing::subscriber::DefaultGuard;

use crate::support::capture::Capture;
use crate::support::server::Server;
use crate::support::{entitlements, figma, gate, plugin};

/// Captures everything that is logged on this thread, at level `trace`.
fn capture() -> (Capture, DefaultGuard) {
    let capture = Capture::default();
    let lines = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
    let subscriber = lines.with_writer(capture.clone()).finish();
    (capture, tracing::subscriber::set_default(subscriber))
}

/// The lines of the gate so far. They are forgotten then.
fn of_gate(log: &Capture) -> Vec<String> {
    let text = log.take();
    assert!(!text.contains("MARKED") && !text.contains("figd_"), "{text}");
    let lines = text.lines().filter(|line| line.contains(" figma_payments_gate: "));
    lines.map(|line| line.split_once(' ').unwrap().1.trim().to_owned()).collect()
}

#[tokio::test]
async fn each_decision_is_a_line_and_no_line_has_a_token() {
    let (log, _guard) = capture();
    let figma = figma().await;
    figma.configure(|settings| settings.single_use_tokens = true);
    for (name, server) in Server::both(&gate(&figma)).await {
        for (token, line) in [
            (
                "ppt_MARKED_unpaid",
                r#"DEBUG figma_payments_gate: refused reason="payment_required""#,
            ),
            ("", r#"DEBUG figma_payments_gate: refused reason="token_missing""#),
        ] {
            server.ask(token).await;
            assert_eq!(of_gate(&log), [line], "{name}");
        }
        server.ask("ppt_MARKED_forged").await;
        let lines = of_gate(&log);
        let refused = r#"refused reason="token_refused" error.type="unauthorized""#;
        assert!(lines.len() == 1 && lines[0].ends_with(refused), "{lines:?}");
    }
    let [(_, server), _] = Server::both(&gate(&figma)).await;
    for source in ["fresh", "cached"] {
        server.ask("ppt_MARKED_paid").await;
        let line = format!("DEBUG figma_payments_gate: granted source=\"{source}\"");
        assert_eq!(of_gate(&log), [line]);
    }
}

#[tokio::test]
async fn where_somebody_has_to_act_the_log_says_what_is_wrong() {
    let (log, _guard) = capture();
    let figma = figma().await;
    figma.configure(|settings| settings.foreign.extend([plugin()]));
    let panics = |_: &_| -> Option<Caller> { panic!("MARKED") };
    for (gate, what) in [
        (
            gate(&figma).caller_from(|_| None),
            r#"reason="misconfigured" error=The gate does not know"#,
        ),
        (
            PaymentGate::new(entitlements(&figma), plugin()).caller_from(panics),
            r#"reason="misconfigured" error=The function that was given to PaymentGate::caller_from panicked"#,
        ),
    ] {
        let [(_, server), _] = Server::both(&gate).await;
        server.ask("ppt_MARKED_paid").await;
        let lines = of_gate(&log);
        let begin = "ERROR figma_payments_gate: refused: somebody has to act ";
        assert!(lines.len() == 1 && lines[0].starts_with(begin), "{lines:?}");
        assert!(lines[0].contains(what), "{lines:?}");
    }
}

/// Anybody who has a token of another account's plugin can cause this.
#[tokio::test]
async fn what_figma_says_about_an_error_is_logged_at_level_trace_alone() {
    let (log, _guard) = capture();
    let body = r#"{"status":403,"err":"user 500123 may not see this plugin"}"#;
    let server =
        ScriptedServer::start(move |_: &_| Reply::json(403, body).header("x-request-id", "r1"));
    let server = server.await.unwrap();
    let client = Client::builder(PersonalAccessToken::new("figd_x").unwrap());
    let client = client.base_url(server.base_url()).build().unwrap();
    let gate = PaymentGate::new(Entitlements::new(client), plugin());
    let [(_, server), _] = Server::both(&gate).await;
    server.ask("ppt_MARKED").await;
    let lines = of_gate(&log);
    assert_eq!(
        lines[0],
        r#"WARN figma_payments_gate: refused: somebody may have to act reason="cannot_tell" error.type="forbidden" http.response.status_code=403 request_id="r1""#
    );
    assert!(lines[1].starts_with("TRACE ") && lines[1].contains("500123"), "{lines:?}");
    assert_eq!(lines.len(), 2);
}
