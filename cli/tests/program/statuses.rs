//! How the program treats each payment status. When `PaymentStatus` gets a new variant, the
//! compiler does not complain in the program. This test fails instead, until its table has
//! the new status.

use std::collections::BTreeSet;
use std::fs;

use figma_payments::PaymentStatus;
use figma_payments::sandbox::{Reply, ScriptedServer};
use serde_json::{Value, json};

use crate::support::bulk::{PLUGIN, arguments, file, rows};
use crate::support::program::{Program, run};

/// What is decided about a status.
struct Decision {
    status: PaymentStatus,
    /// Whether it gives access: exit code 0 of `check`, else 1, and the column
    /// `grants_access` of `bulk`.
    access: bool,
    /// What `check` calls it.
    called: &'static str,
    /// The line that counts it in the summary of `bulk`.
    counted_as: &'static str,
    /// Whether `sandbox` takes a purchase with it.
    can_be_set: bool,
}

fn decisions() -> [Decision; 6] {
    let decide = |status, access, called, counted_as, can_be_set| Decision {
        status,
        access,
        called,
        counted_as,
        can_be_set,
    };
    let unknown = |word: &str| PaymentStatus::Unknown(word.to_owned());
    [
        decide(PaymentStatus::Paid, true, "PAID", "paid", true),
        decide(PaymentStatus::Trial, true, "TRIAL", "trial", true),
        decide(PaymentStatus::Unpaid, false, "UNPAID", "unpaid", true),
        decide(PaymentStatus::NotSupported, false, "NOT_SUPPORTED", "other", true),
        decide(unknown("NO_SUCH_STATUS"), false, "NO_SUCH_STATUS", "other", false),
        decide(unknown(""), false, "of no known status", "other", false),
    ]
}

const WHAT_TO_DO: &str = "decide how the program treats the new status: does it give access (`check`), \
     what counts it (bulk/status_counts.rs), can the sandbox have purchases with it \
     (sandbox/control.rs)? Then add it to this table";

/// Fails if the library knows a status that is not in the table. A test of the library
/// holds what it knows to the corrected document.
fn check_that_all_are_decided() {
    let is_known = |status: &PaymentStatus| !matches!(status, PaymentStatus::Unknown(_));
    let decided = decisions().map(|decision| decision.status).into_iter().filter(is_known);
    let decided: BTreeSet<String> = decided.map(|status| status.to_string()).collect();
    let known = PaymentStatus::KNOWN.iter().map(|word| word.to_string()).collect();
    assert_eq!(decided, known, "{WHAT_TO_DO}");
}

/// A server that says this of everybody.
async fn saying(status: &PaymentStatus) -> ScriptedServer {
    let body = json!({ "status": 200, "error": false, "meta": {
        "user_id": "1", "resource_id": PLUGIN, "resource_type": "PLUGIN", "payment_status": status,
    } });
    let server = ScriptedServer::start(move |_| Reply::json(200, body.to_string()));
    server.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_status_is_decided_about_and_treated_so() {
    check_that_all_are_decided();
    let sandbox = Program::start(&[]);
    let control = sandbox.control("GET", "", json!(null)).await.json();
    let how_to_set = control["PUT /_sandbox/purchases"].as_str().unwrap().to_owned();
    let (input, output) = (file("status.txt"), file("status.csv"));
    fs::write(&input, "1\n").unwrap();
    for Decision { status, access, called, counted_as, can_be_set } in decisions() {
        let word = status.as_str();
        let server = saying(&status).await;

        let ask = ["check", "--base-url", &server.base_url(), "--user", "1", "--plugin", PLUGIN];
        let ran = run(&ask, b"");
        let (code, verdict) = if access { (0, "access") } else { (1, "no access") };
        assert_eq!((ran.code, &*ran.stderr), (Some(code), ""), "{word}: {ran:?}");
        let said = format!("{verdict}: user 1 is {called} for plugin {PLUGIN}\n");
        assert_eq!(ran.stdout, said);
        let ran = run(&[&ask[..], &["--json"]].concat(), b"");
        let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&printed["payment_status"], ran.code), (&json!(word), Some(code)));
        assert_eq!(printed["grants_access"], access, "{word}");

        let _ = fs::remove_file(&output);
        let ran = run(&arguments(&server.base_url(), &input, &output), b"");
        assert_eq!(ran.code, Some(0), "{word}: an answer is an answer: {ran:?}");
        let row = &rows(&output)[0];
        assert_eq!(row["payment_status"], word);
        assert_eq!(row["grants_access"], access.to_string(), "{word}");
        let counted = format!("  {counted_as:<8}{:>12}", 1);
        assert!(ran.stderr.lines().any(|line| line == counted), "{word}: {ran:?}");

        let purchase = json!({ "user_id": "1", "plugin_id": PLUGIN, "payment_status": word });
        let answer = sandbox.control("PUT", "/purchases", purchase).await;
        assert_eq!(answer.status, if can_be_set { 200 } else { 400 }, "{word}: {answer:?}");
        let named = how_to_set.contains(&format!("\"{word}\""));
        assert_eq!(named, can_be_set, "GET /_sandbox and {word:?}: {how_to_set}");
    }
}
