//! The metrics of calls.

use std::collections::BTreeMap;

use std::sync::atomic::{AtomicBool, Ordering};

use figma_payments::sandbox::{self, Calls, Fault, Gate, Reply, Sandbox, ScriptedServer};
use figma_payments::{
    Client, ClientBuilder, ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus,
    PersonalAccessToken, PluginPaymentToken, RateLimits, Resource, RetryPolicy, UserId,
};
use futures_util::future::{Either, ready, select};
use futures_util::{StreamExt, stream};

use crate::page::{Page, recorder};
use crate::run::{run, run_with_paused_clock};

fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder(sandbox.access_token()).base_url(sandbox.base_url())
}

fn client(sandbox: &Sandbox) -> Client {
    builder(sandbox).retry(RetryPolicy::none()).build().unwrap()
}

fn user() -> UserId {
    UserId::from(500123)
}

fn plugin() -> Resource {
    Resource::plugin("1122334455").unwrap()
}

fn by_user() -> PaymentQuery {
    PaymentQuery::by_user(user(), plugin())
}

fn by_token(token: PluginPaymentToken) -> PaymentQuery {
    PaymentQuery::by_token(token, plugin())
}

fn forged() -> PaymentQuery {
    by_token(PluginPaymentToken::new("ppt_forged").unwrap())
}

/// The labels of a call with this outcome.
fn labels(query: &PaymentQuery, outcome: &str) -> String {
    format!(r#"{{asked_by="{}",outcome="{outcome}"}}"#, query.asked_by())
}

fn borrowed(series: &BTreeMap<String, f64>) -> BTreeMap<&str, f64> {
    series.iter().map(|(labels, value)| (labels.as_str(), *value)).collect()
}

/// What [`Page::series`] gives for a metric with the label `asked_by` alone.
fn by_way(user: f64, token: f64) -> BTreeMap<&'static str, f64> {
    let series = [(r#"{asked_by="user"}"#, user), (r#"{asked_by="token"}"#, token)];
    series.into_iter().filter(|(_, value)| *value != 0.0).collect()
}

#[test]
fn each_answer_and_each_error_is_an_outcome() {
    let mut expected = BTreeMap::new();
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        for (status, outcome) in [
            ("PAID", "paid"),
            ("TRIAL", "trial"),
            ("UNPAID", "unpaid"),
            ("NOT_SUPPORTED", "not_supported"),
            ("GIFTED", "unknown"),
        ] {
            sandbox.set_purchase(&user(), &plugin(), PaymentStatus::from(status), None);
            let token = sandbox.mint_token(&user(), &plugin());
            for query in [by_user(), by_token(token)] {
                expected.insert(labels(&query, outcome), 1.0);
                client(&sandbox).get_payments(query).await.unwrap();
            }
        }
        for fault in [
            Fault::Status(400),
            Fault::Status(403),
            Fault::Status(404),
            Fault::Status(429),
            Fault::Status(500),
            Fault::Reset,
            Fault::WrongUser,
        ] {
            sandbox.inject(fault, Calls::Next(1));
            let error = client(&sandbox).get_payments(by_user()).await.unwrap_err();
            expected.insert(labels(&by_user(), error.kind().as_str()), 1.0);
        }
        client(&sandbox).get_payments(forged()).await.unwrap_err();
        expected.insert(labels(&forged(), "unauthorized"), 1.0);
    });
    assert_eq!(expected.len(), 18);
    assert_eq!(page.series("figma_payments_calls_total"), borrowed(&expected));
    let timed = page.series("figma_payments_call_duration_seconds_count");
    assert_eq!(timed, borrowed(&expected), "each call has its duration");
}

#[test]
fn a_401_to_a_query_by_user_is_told_from_one_to_a_payment_token() {
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        let expired = PersonalAccessToken::new("figd_expired").unwrap();
        client(&sandbox).get_payments(forged()).await.unwrap_err();
        client(&sandbox).get_payments(forged()).await.unwrap_err();
        let client = Client::builder(expired).base_url(sandbox.base_url()).build().unwrap();
        client.get_payments(by_user()).await.unwrap_err();
    });
    assert_eq!(page.series("figma_payments_unauthorized_total"), by_way(1.0, 2.0));
}

#[test]
fn a_429_is_told_from_a_call_that_was_not_sent() {
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.inject(Fault::Status(429), Calls::Next(1));
        let client = client(&sandbox);
        for attempts in [1, 0, 0, 0] {
            let error = client.get_payments(by_user()).await.unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::RateLimited, attempts));
        }
        let limits = RateLimits::default().by_token(1).by_token_burst(1);
        let limited = builder(&sandbox).rate_limits(limits).build().unwrap();
        let token = || by_token(sandbox.mint_token(&user(), &plugin()));
        limited.get_payments(token()).await.unwrap();
        limited.get_payments(token()).await.unwrap_err();
    });
    assert_eq!(page.series("figma_payments_rate_limited_total"), by_way(1.0, 0.0));
    assert_eq!(page.series("figma_payments_calls_not_sent_total"), by_way(3.0, 1.0));
    assert_eq!(
        page.series("figma_payments_calls_total")[&*labels(&by_user(), "rate_limited")],
        4.0,
        "both are in the calls"
    );
    let waits = page.series("figma_payments_rate_limit_wait_seconds_count");
    assert!(waits.is_empty(), "who is refused at once has not waited: {waits:?}");
}

#[test]
fn a_wait_for_the_limit_is_a_part_of_a_call_and_not_of_a_call_in_a_batch() {
    let recorder = recorder();
    let page = || Page(recorder.handle().render());
    let sum = |page: &Page, name: &str| page.series(name).into_values().sum::<f64>();
    let test = async {
        let first = AtomicBool::new(true);
        let client = sandbox::client(move |_| match first.swap(false, Ordering::Relaxed) {
            true => Err(ErrorKind::RateLimited),
            false => Ok(PaymentInformation::new(&user(), &plugin(), PaymentStatus::Paid)),
        });
        // After a 429 that does not say how long to wait, a batch waits for a minute.
        let answers = client.get_payments_all(stream::iter([by_user()]));
        assert!(answers.map(|(_, outcome)| outcome.is_ok()).all(ready).await);
        let after_batch = page();
        let waited = sum(&after_batch, "figma_payments_rate_limit_wait_seconds_sum");
        assert!((60.0..61.0).contains(&waited), "{waited}");
        let took = sum(&after_batch, "figma_payments_call_duration_seconds_sum");
        assert!((0.0..0.01).contains(&took), "{took}");

        // The client is slowed down now.
        client.get_payments(by_user()).await.unwrap();
        client.get_payments(by_user()).await.unwrap();
        let waited = sum(&page(), "figma_payments_rate_limit_wait_seconds_sum") - waited;
        let took = sum(&page(), "figma_payments_call_duration_seconds_sum") - took;
        assert!(waited > 1.0 && (took - waited).abs() < 0.01, "took {took}, waited {waited}");
    };
    metrics::with_local_recorder(&recorder, || run_with_paused_clock(test));
}

#[test]
fn retries_are_counted_when_they_begin() {
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.inject(Fault::Status(503), Calls::Next(2));
        let client = builder(&sandbox).build().unwrap();
        client.get_payments(by_user()).await.unwrap();
        let token = sandbox.mint_token(&user(), &plugin());
        sandbox.inject(Fault::Status(503), Calls::Next(1));
        client.get_payments(by_token(token)).await.unwrap();
    });
    assert_eq!(page.series("figma_payments_retries_total"), by_way(2.0, 1.0));
}

#[test]
fn a_call_is_in_progress_until_it_ends_or_is_cancelled() {
    const IN_PROGRESS: &str = r#"figma_payments_calls_in_progress{asked_by="user"}"#;
    let recorder = recorder();
    let in_progress = || Page(recorder.handle().render()).value(IN_PROGRESS);
    let test = async {
        let gate = Gate::new();
        let closed = gate.clone();
        let held = move |_: &_| Reply::json(404, "{}").behind(&closed);
        let server = ScriptedServer::start(held).await.unwrap();
        let token = PersonalAccessToken::new("figd_x").unwrap();
        let client = Client::builder(token).base_url(server.base_url()).build().unwrap();
        assert_eq!(in_progress(), Some(0.0));
        let cancelled = Box::pin(client.get_payments(by_user()));
        let Either::Right((_, cancelled)) = select(cancelled, Box::pin(server.arrived(1))).await
        else {
            panic!("the reply is behind the gate");
        };
        let ending = Box::pin(client.get_payments(by_user()));
        let Either::Right((_, ending)) = select(ending, Box::pin(server.arrived(2))).await else {
            panic!("the reply is behind the gate");
        };
        assert_eq!(in_progress(), Some(2.0));
        drop(cancelled);
        assert_eq!(in_progress(), Some(1.0));
        gate.open();
        ending.await.unwrap_err();
        assert_eq!(in_progress(), Some(0.0));
    };
    metrics::with_local_recorder(&recorder, || run(test));
    let page = Page(recorder.handle().render());
    let ended = [labels(&by_user(), "cancelled"), labels(&by_user(), "not_found")];
    let ended = ended.iter().map(|labels| (labels.as_str(), 1.0)).collect();
    assert_eq!(page.series("figma_payments_calls_total"), ended);
    assert_eq!(page.series("figma_payments_call_duration_seconds_count"), ended);
}

#[test]
fn each_counter_begins_with_zero_so_that_its_first_event_is_a_rise() {
    let page = Page::of(async {
        Client::new(PersonalAccessToken::new("figd_x").unwrap()).unwrap();
    });
    let expected = [
        ("figma_payments_calls_total", "counter"),
        ("figma_payments_calls_not_sent_total", "counter"),
        ("figma_payments_retries_total", "counter"),
        ("figma_payments_unauthorized_total", "counter"),
        ("figma_payments_rate_limited_total", "counter"),
        ("figma_payments_calls_in_progress", "gauge"),
    ];
    assert_eq!(page.types(), expected.into());
    for (name, _) in expected {
        assert_eq!(page.series(name), BTreeMap::new());
    }
    for way in ["user", "token"] {
        let unauthorized = format!(r#"figma_payments_unauthorized_total{{asked_by="{way}"}}"#);
        assert_eq!(page.value(&unauthorized), Some(0.0));
        for outcome in ["paid", "cancelled", "server", "invalid_response"] {
            let calls =
                format!(r#"figma_payments_calls_total{{asked_by="{way}",outcome="{outcome}"}}"#);
            assert_eq!(page.value(&calls), Some(0.0));
        }
    }
}

#[test]
fn a_recorder_that_comes_late_misses_the_descriptions_and_the_zeros_alone() {
    run(async {
        let sandbox = Sandbox::start().await.unwrap();
        let client = client(&sandbox);
        let recorder = recorder();
        let _guard = metrics::set_default_local_recorder(&recorder);
        client.get_payments(by_user()).await.unwrap();
        let page = Page(recorder.handle().render());
        let calls = labels(&by_user(), "unpaid");
        assert_eq!(page.series("figma_payments_calls_total"), [(&*calls, 1.0)].into());
        assert!(page.described().is_empty());
    });
}
