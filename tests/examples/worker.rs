//! The client on wasm: `examples/worker` in `workerd`, over HTTP. `cargo xtask
//! deep worker` builds it and runs this.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use figma_payments::sandbox::{
    Calls, Fault, FigmaLimits, Gate, Purchase, Reply, Request, Sandbox, ScriptedServer, Step,
};
use figma_payments::{PluginPaymentToken, Resource, UserId};
use serde_json::json;

use crate::support::wire::Answer;
use crate::support::{ACCESS_TOKEN, access_token, answering, paid, plugin, user};
use crate::workerd::Worker;

const BOUGHT: &str = "2024-06-15T14:30:00Z";

/// A server that does this to the first request, and answers the others with PAID.
async fn paid_after(first: Reply) -> ScriptedServer {
    let asked = AtomicUsize::new(0);
    let reply = move |_: &Request| match asked.fetch_add(1, SeqCst) {
        0 => first.clone(),
        _ => Reply::json(200, paid().to_string()),
    };
    ScriptedServer::start(reply).await.unwrap()
}

fn outcome(answer: &Answer) -> (u16, String) {
    let word = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    (answer.status, word)
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn a_route_is_gated_as_the_readme_says() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.configure(|settings| {
        settings.limits = FigmaLimits::none();
        settings.access_tokens = vec![access_token()];
    });
    let (user, plugin) = (user(), plugin());
    let [owner, trying] = ["500124", "500125"].map(|id| UserId::try_from(id).unwrap());
    let cheap = Resource::plugin("1122334455").unwrap();
    sandbox.set(Purchase::paid(&user, &plugin, BOUGHT));
    sandbox.set(Purchase::paid(&user, &cheap, BOUGHT));
    sandbox.set(Purchase::trial(&trying, &plugin, BOUGHT));
    for (token, user, resource) in [
        ("ppt_MARKED paid", &user, &plugin),
        ("ppt_MARKED trial", &trying, &plugin),
        ("ppt_MARKED unpaid", &owner, &plugin),
        ("ppt_MARKED cheap", &user, &cheap),
    ] {
        let token = PluginPaymentToken::new(token).unwrap();
        sandbox.accept_token(token, user, resource, Duration::from_secs(600));
    }
    let worker = Worker::start(&sandbox.base_url());

    let paid = worker.ask("ppt_MARKED paid").await;
    assert_eq!((paid.status, &paid.json()["trial"]), (200, &json!(false)));
    assert_eq!(paid.json()["colors"].as_array().unwrap().len(), 5);
    let trial = worker.ask("ppt_MARKED trial").await;
    assert_eq!((trial.status, &trial.json()["trial"]), (200, &json!(true)));
    for (token, status, word) in [
        ("ppt_MARKED unpaid", 402, "payment_required"),
        ("ppt_MARKED forged", 401, "token_refused"),
        ("ppt_MARKED cheap", 403, "wrong_plugin"),
    ] {
        assert_eq!(outcome(&worker.ask(token).await), (status, word.to_owned()), "{token}");
    }
    sandbox.inject(Fault::Status(503), Calls::Next(3));
    let outage = worker.ask("ppt_MARKED forged too").await;
    assert_eq!(outcome(&outage), (503, "cannot_tell".to_owned()));
    assert_eq!(sandbox.requests().len(), 8);
    for (token, status) in [("paid", 200), ("trial", 200), ("unpaid", 402), ("forged", 401)] {
        let again = worker.ask(&format!("ppt_MARKED {token}")).await;
        assert_eq!(again.status, status, "{token}: from memory");
    }
    assert_eq!(sandbox.requests().len(), 8);
    let asked = &sandbox.requests()[0].headers;
    assert_eq!(asked["x-figma-token"], ACCESS_TOKEN);
    assert!(asked["user-agent"].to_str().unwrap().starts_with("figma-payments/"), "{asked:?}");

    assert_eq!(outcome(&worker.send("GET", "/palette").await), (401, "token_missing".to_owned()));
    assert_eq!(outcome(&worker.send("GET", "/").await), (404, "not_found".to_owned()));
    assert_eq!(worker.send("OPTIONS", "/palette").await.status, 204);
    assert_eq!(sandbox.requests().len(), 8);
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn a_redirect_takes_no_credential_along() {
    let recorder = answering(200, paid()).await;
    // It would see what came to it.
    assert_eq!(Worker::start(&recorder.base_url()).ask("ppt_MARKED").await.status, 200);
    assert_eq!(recorder.requests()[0].headers["x-figma-token"], ACCESS_TOKEN);

    for host in ["127.0.0.1", "localhost"] {
        let port = recorder.address().port();
        for status in [301, 302, 303, 307, 308] {
            let location = format!("http://{host}:{port}/v1/payments");
            let redirect = Reply::json(status, "").header("location", &location);
            let server = ScriptedServer::start(move |_| redirect.clone()).await.unwrap();
            let worker = Worker::start(&server.base_url());
            let answer = worker.ask("ppt_MARKED").await;
            let case = format!("{status} to {host}: {:?}", &recorder.requests()[1..]);
            assert_eq!(recorder.requests().len(), 1, "{case}");
            assert_eq!(outcome(&answer), (503, "cannot_tell".to_owned()), "{case}");
            assert_eq!(server.requests().len(), 1, "{case}");
            assert_eq!(server.requests()[0].headers["x-figma-token"], ACCESS_TOKEN);
            worker.writes(&format!("the server answered {status} ")).await;
        }
    }
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn no_cache_of_the_host_answers() {
    let server = answering(200, paid()).await;
    let worker = Worker::start(&server.base_url());
    assert_eq!(worker.ask("ppt_MARKED").await.status, 200);
    // How `workerd` tells the caches on the way that it was asked for `no-store`.
    assert_eq!(server.requests()[0].headers["cache-control"], "no-cache");
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn a_host_that_refuses_the_field_is_asked_without_it() {
    let server = answering(200, paid()).await;
    let worker = Worker::flagged(&server.base_url(), "cache_option_disabled");
    assert_eq!(worker.ask("ppt_MARKED").await.status, 200, "{}", worker.log());
    assert!(!server.requests()[0].headers.contains_key("cache-control"));
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn what_may_pass_is_tried_again() {
    let body = paid().to_string();
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for first in [
        Reply::json(500, "{}"),
        Reply::script([Step::Reset]),
        Reply::script([Step::send(whole[..whole.len() - 9].to_owned())]),
        Reply::script([Step::send(whole[..whole.len() - 9].to_owned()), Step::Hang]),
    ] {
        let server = paid_after(first.clone()).await;
        let answer = Worker::start(&server.base_url()).ask("ppt_MARKED").await;
        assert_eq!((answer.status, server.requests().len()), (200, 2), "{first:?}");
    }
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn a_limit_is_waited_for_if_there_is_time() {
    let limited = |wait: &str| Reply::json(429, "{}").header("retry-after", wait);
    let server = paid_after(limited("1")).await;
    let begun = Instant::now();
    let answer = Worker::start(&server.base_url()).ask("ppt_MARKED").await;
    assert_eq!((answer.status, server.requests().len()), (200, 2));
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());

    for (asked, told) in [("30", "30"), ("396749", "60")] {
        let server = paid_after(limited(asked)).await;
        let answer = Worker::start(&server.base_url()).ask("ppt_MARKED").await;
        assert_eq!(outcome(&answer), (503, "cannot_tell".to_owned()));
        assert_eq!(answer.header("retry-after"), Some(told));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn a_silent_figma_costs_no_more_than_the_deadline() {
    let server = ScriptedServer::start(|_| Reply::script([Step::Hang])).await.unwrap();
    let worker = Worker::start(&server.base_url());
    let begun = Instant::now();
    let answer = worker.ask("ppt_MARKED").await;
    let took = begun.elapsed();
    assert_eq!(outcome(&answer), (503, "cannot_tell".to_owned()));
    // Two attempts of 2 s, and what is left of 5 s for the third.
    assert_eq!(server.requests().len(), 3);
    assert!((4..7).contains(&took.as_secs()), "{took:?}");
    worker.writes("the attempt took longer than").await;
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn what_cannot_be_read_is_no_yes() {
    let endless = Reply::script([
        Step::send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        Step::Repeat(format!("1000\r\n{}\r\n", " ".repeat(0x1000)).into()),
    ]);
    for (reply, said) in [
        (endless, "the response body is longer than 65536 bytes"),
        (Reply::json(200, ""), "the response body cannot be read"),
        (Reply::json(200, "{\"status\": 200}"), "the response body cannot be read"),
        (Reply::json(418, "<h1>no</h1>"), "the server answered 418"),
    ] {
        let server = ScriptedServer::start(move |_| reply.clone()).await.unwrap();
        let worker = Worker::start(&server.base_url());
        assert!([400, 503].contains(&worker.ask("ppt_MARKED").await.status));
        assert_eq!(server.requests().len(), 1);
        worker.writes(said).await;
    }
    let nobody = answering(200, "").await.base_url();
    let worker = Worker::start(&nobody);
    assert_eq!(outcome(&worker.ask("ppt_MARKED").await), (503, "cannot_tell".to_owned()));
    worker.writes("no response: ").await;
}

/// All requests of an isolate share one client. `workerd` lets none touch what
/// belongs to another: one that is woken by another never answers.
#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn requests_that_share_a_client_keep_to_themselves() {
    const AT_ONCE: usize = 40;
    for (calls_a_minute, expected) in [(0, AT_ONCE), (1200, AT_ONCE), (30, 26)] {
        let asked = AtomicUsize::new(0);
        let server = ScriptedServer::start(move |_| match asked.fetch_add(1, SeqCst) % 8 {
            0 => Reply::json(500, "{}").after(Duration::from_millis(100)),
            _ => Reply::json(200, paid().to_string()).after(Duration::from_millis(300)),
        });
        let server = server.await.unwrap();
        let worker = Worker::paced(&server.base_url(), calls_a_minute);
        let begun = Instant::now();
        let tokens: Vec<_> = (0..AT_ONCE).map(|number| format!("ppt_MARKED {number}")).collect();
        let asking = tokens.iter().map(|token| worker.ask(token));
        let answers = futures_util::future::join_all(asking).await;
        let took = begun.elapsed();
        assert!(answers.iter().all(|it| [200, 503].contains(&it.status)), "{answers:?}");
        let paid = answers.iter().filter(|it| it.status == 200).count();
        println!("{calls_a_minute} a minute: {paid} of {AT_ONCE} at once got a yes, {took:?}");
        // Now and then one of them meets the 500 three times.
        assert!(paid + 2 >= expected, "{paid}: {}", worker.log());
        // A burst of a minute's calls, and then one for each that the bucket has leaked.
        let leaked = took.as_secs_f64() / 60.0 * f64::from(calls_a_minute);
        let most = f64::from(calls_a_minute) + leaked + 1.0;
        let asked = server.requests().len();
        assert!(calls_a_minute == 0 || asked as f64 <= most, "{asked} requests in {took:?}");
    }
}

#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn requests_with_the_same_token_share_one_question() {
    let gate = Gate::new();
    let held = gate.clone();
    let server = ScriptedServer::start(move |_| Reply::json(200, paid().to_string()).behind(&held));
    let server = server.await.unwrap();
    let worker = Worker::start(&server.base_url());
    let asking = futures_util::future::join_all((0..40).map(|_| worker.ask("ppt_MARKED")));
    let opened = async {
        server.arrived(1).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(asking, opened);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(worker.ask("ppt_MARKED").await.status, 200);
    assert_eq!(server.requests().len(), 1);
}

/// The host may stop a request whose client has gone. Then nobody polls its question.
#[tokio::test]
#[ignore = "`cargo xtask deep worker` builds the Worker and runs this"]
async fn one_of_those_who_wait_takes_over_from_a_request_that_has_gone() {
    let gate = Gate::new();
    let held = gate.clone();
    let asked = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |_| {
        let reply = Reply::json(200, paid().to_string());
        match asked.fetch_add(1, SeqCst) {
            0 => reply.behind(&held),
            _ => reply,
        }
    });
    let server = server.await.unwrap();
    let worker = Worker::start(&server.base_url());
    {
        let first = std::pin::pin!(worker.ask("ppt_MARKED"));
        let arrived = std::pin::pin!(server.arrived(1));
        futures_util::future::select(first, arrived).await;
    }
    let answer = worker.ask("ppt_MARKED").await;
    assert_eq!(answer.status, 200, "{answer:?}: {}", worker.log());
    assert_eq!(server.requests().len(), 2);
}
