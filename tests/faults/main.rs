//! The fault matrix: every row is a server's behaviour on a real socket, and
//! asserts four things: the answer or the kind of error, the requests that the
//! server saw, that the call ended within its deadline, and that no secret shows
//! in any error, log line or span. A test program of its own: what it captures is
//! logged by the whole process.
#![cfg(all(feature = "sandbox", feature = "rustls"))]

#[path = "../support/mod.rs"]
mod support;

mod capture;
mod row;
mod rows;

use row::Row;
use support::shows_secret;

/// Rows run side by side, but not so many that a busy machine makes them late.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "current_thread")]
async fn every_fault_has_its_outcome_and_shows_no_secret() {
    let log = capture::everything();
    let mut ran = 0;
    let mut failed = Vec::new();
    let mut rows = rows::all().into_iter().peekable();
    while rows.peek().is_some() {
        let batch: Vec<Row> = rows.by_ref().take(AT_ONCE).collect();
        for failures in futures_util::future::join_all(batch.into_iter().map(Row::run)).await {
            ran += 1;
            failed.extend(failures);
        }
    }
    let stranger = support::answering(200, support::paid_but("/meta/user_id", "7".into())).await;
    let error = support::client(&stranger).get_payments(support::by_user()).await.unwrap_err();
    assert!(!error.to_string().contains("500123"), "{error}");

    let named_by_the_server = support::answering(404, r#"{"message": "no user 500123"}"#).await;
    support::client(&named_by_the_server).get_payments(support::by_user()).await.unwrap_err();
    let body = support::paid_but("/meta/user_id", 500123.into());
    let unreadable = support::answering(200, body).await;
    let error = support::client(&unreadable).get_payments(support::by_user()).await.unwrap_err();
    assert!(!error.to_string().contains("500123"), "{error}");

    let log = log.text();
    let named = |line: &&str| line.contains("500123");
    assert!(log.lines().any(|line| named(&line)), "users are told at trace");
    if let Some(line) = log.lines().filter(named).find(|line| !line.contains("TRACE")) {
        failed.push(format!("the log names a user above trace: {line}"));
    }
    assert!(
        log.contains("attempt failed") && log.contains("http.response.status_code"),
        "captured"
    );
    assert!(log.contains("TRACE"), "captured at trace");
    let recovered = |line: &&str| {
        line.contains("resend_count=1") && line.contains("code=200}") && line.contains(" close ")
    };
    let recovered: Vec<&str> = log.lines().filter(recovered).collect();
    assert!(!recovered.is_empty(), "calls that recovered were captured");
    assert!(!recovered.iter().any(|line| line.contains("error.type")), "{recovered:?}");
    if let Some(line) = log.lines().find(|line| shows_secret(line)) {
        failed.push(format!("the log shows a secret: {line}"));
    }
    println!("fault matrix: {ran} rows ran, {} lines of log", log.lines().count());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(ran >= 60);
}
