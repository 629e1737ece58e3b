//! The backend as a running program, asked over HTTP as the plugin's page does it: from the
//! origin `null`, with a preflight.

mod backend;
mod replicas;
// The library's tests have it too.
#[path = "../../../../tests/support/wire.rs"]
mod wire;

use std::time::{Duration, Instant};

use figma_payments::sandbox::{
    Calls, Fault, Figma, Gate, Purchase, Reply, Sandbox, ScriptedServer,
};
use figma_payments::{PluginPaymentToken, Resource, UserId};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::backend::{Backend, PAGE, PLUGIN, command, run};
use crate::wire::Answer;

const AN_HOUR: Duration = Duration::from_secs(3600);

fn plugin() -> Resource {
    Resource::plugin(PLUGIN).unwrap()
}

/// Lets the sandbox know this token of a user.
fn give(sandbox: &Sandbox, token: &str, user: u64, plugin: &Resource) {
    let token = PluginPaymentToken::new(token).unwrap();
    sandbox.accept_token(token, &user.into(), plugin, AN_HOUR);
}

/// A sandbox in which user 1 has paid, 2 is trying, and 3 has done nothing; each
/// has a token.
async fn figma() -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.set(Purchase::paid(&UserId::from(1), &plugin(), "2024-06-15T14:30:00Z"));
    sandbox.set(Purchase::trial(&UserId::from(2), &plugin(), "2024-06-15T14:30:00Z"));
    for (token, user) in [("ppt_MARKED_paid", 1), ("ppt_MARKED_trial", 2), ("ppt_MARKED_unpaid", 3)]
    {
        give(&sandbox, token, user, &plugin());
    }
    sandbox
}

/// The same Figma, whose answers wait for the gate.
async fn held(figma: &Figma, gate: &Gate) -> ScriptedServer {
    let (figma, gate) = (figma.clone(), gate.clone());
    ScriptedServer::start(move |request| figma.answer(request).behind(&gate)).await.unwrap()
}

/// A refusal of the gate's that the page can read.
fn assert_refused(answer: &Answer, status: u16, problem: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert_eq!(answer.json()["type"], format!("urn:figma-payments:{problem}"), "{answer:?}");
    assert_exposed(answer);
    let challenge = (status == 401).then_some("Bearer");
    assert_eq!(answer.header("www-authenticate"), challenge, "{answer:?}");
    let waits = matches!(status, 429 | 503);
    assert_eq!(answer.header("retry-after").is_some(), waits, "{answer:?}");
}

/// With these headers the page can read the answer, and nobody keeps it.
fn assert_exposed(answer: &Answer) {
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "retry-after"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
}

#[tokio::test]
async fn each_outcome_has_a_status_and_a_type() {
    let figma = figma().await;
    give(&figma, "ppt_MARKED_of_another", 1, &Resource::plugin("42").unwrap());
    let backend = Backend::start("outcomes", &figma.base_url());
    for (token, trial) in [("ppt_MARKED_paid", false), ("ppt_MARKED_trial", true)] {
        let answer = backend.ask(token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["trial"], trial);
        assert_eq!(answer.json()["colors"].as_array().unwrap().len(), 5);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
        assert_exposed(&answer);
    }
    for (token, status, problem) in [
        ("ppt_MARKED_unpaid", 402, "payment-required"),
        ("ppt_MARKED_forged", 401, "token-refused"),
        ("ppt_MARKED_of_another", 403, "wrong-resource"),
        (&"ppt_MARKED".repeat(410), 400, "bad-request"),
        ("", 401, "token-missing"),
    ] {
        assert_refused(&backend.ask(token).await, status, problem);
    }
    let asked = figma.requests().len();
    for headers in [&[][..], &[PAGE], &[PAGE, ("authorization", "Basic cHB0OnBwdA==")]] {
        let answer = wire::get(&backend.base_url, "/palette", headers).await.unwrap();
        assert_refused(&answer, 401, "token-missing");
    }
    for (method, target, status) in [("GET", "/", 404), ("POST", "/palette", 405)] {
        let answer = wire::send(&backend.base_url, method, target, &[PAGE], "").await.unwrap();
        assert_eq!(answer.status, status, "{answer:?}");
        assert_exposed(&answer);
    }
    assert_eq!(figma.requests().len(), asked, "Figma is not asked about these");
}

#[tokio::test]
async fn the_preflight_lets_the_page_send_its_token() {
    let figma = figma().await;
    let backend = Backend::start("preflight", &figma.base_url());
    let headers = [
        PAGE,
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = wire::send(&backend.base_url, "OPTIONS", "/palette", &headers, "").await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    for (name, value) in [
        ("access-control-allow-origin", Some("*")),
        ("access-control-allow-methods", Some("GET,HEAD,POST,PUT,PATCH,DELETE")),
        ("access-control-allow-headers", Some("authorization,content-type")),
        ("access-control-max-age", Some("3600")),
        ("access-control-allow-credentials", None),
    ] {
        assert_eq!(answer.header(name), value, "{name}: {answer:?}");
    }
    assert!(figma.requests().is_empty());
}

#[tokio::test]
async fn what_could_not_be_told_is_503_and_never_402() {
    let figma = figma().await;
    let backend = Backend::start("outage", &figma.base_url());
    assert_eq!(backend.ask("ppt_MARKED_paid").await.status, 200);
    figma.inject(Fault::Status(503), Calls::All);
    let answer = backend.ask("ppt_MARKED_unpaid").await;
    assert_refused(&answer, 503, "cannot-tell");
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(backend.ask("ppt_MARKED_paid").await.status, 200, "who is known is not turned away");

    figma.clear_faults();
    figma.inject(Fault::WrongResource, Calls::Next(1));
    assert_refused(&backend.ask("ppt_MARKED_trial").await, 403, "wrong-resource");
    let log = backend.log();
    assert!(!log.contains("to act"), "{log}");

    // Another access token than the owner's does not pass by itself.
    figma.configure(|settings| settings.foreign.extend([plugin()]));
    assert_refused(&backend.ask("ppt_MARKED_trial").await, 503, "cannot-tell");
    let log = backend.log();
    let line = r#"somebody may have to act reason="cannot_tell" error.type="forbidden""#;
    assert!(log.contains(line), "{log}");
}

#[tokio::test]
async fn the_wait_that_figma_asks_for_is_passed_on_up_to_a_minute() {
    for (asked, passed_on) in [("30", "30"), ("396749", "60")] {
        let limited = move |_: &_| Reply::json(429, "{}").header("retry-after", asked);
        let figma = ScriptedServer::start(limited).await.unwrap();
        let backend = Backend::start(&format!("wait_{asked}"), &figma.base_url());
        let answer = backend.ask("ppt_MARKED").await;
        assert_refused(&answer, 503, "cannot-tell");
        assert_eq!(answer.header("retry-after"), Some(passed_on));
    }
}

#[tokio::test]
async fn a_caller_with_forged_tokens_is_stopped_and_a_buyer_is_not() {
    let figma = figma().await;
    let backend = Backend::start("forged", &figma.base_url());
    let begun = Instant::now();
    let mut tried = 0;
    let answer = loop {
        assert_eq!(backend.ask("ppt_MARKED_paid").await.status, 200, "after {tried}");
        let answer = backend.ask(&format!("ppt_MARKED_forged_{tried}")).await;
        if answer.status == 429 {
            break answer;
        }
        assert_refused(&answer, 401, "token-refused");
        tried += 1;
    };
    assert_refused(&answer, 429, "too-many-requests");
    assert!(["1", "2"].contains(&answer.header("retry-after").unwrap()), "{answer:?}");
    // One of the 30 was the buyer's; one comes back every 2 s.
    let most = 29 + begun.elapsed().as_secs() as usize / 2;
    assert!((29..=most).contains(&tried), "{tried} in {:?}", begun.elapsed());
    assert_eq!(figma.requests().len(), 1 + tried, "the buyer was asked about once");
}

/// On Linux all of 127.0.0.0/8 is this machine, so that callers can be several.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_slow_figma_does_not_pile_up_questions() {
    let gate = Gate::new();
    let figma = held(figma().await.figma(), &gate).await;
    let backend = Backend::start("busy", &figma.base_url());
    // Of five callers with 14 each, because one caller has 16 places.
    let asks = (0..70).map(async |ask| {
        let caller = [127, 0, 0, 2 + ask / 14].into();
        backend.ask_from(caller, &format!("ppt_MARKED_slow_{ask}")).await
    });
    let mut answers = asks.collect::<FuturesUnordered<_>>();
    for _ in 64..70 {
        let busy = answers.next().await.unwrap();
        assert_refused(&busy, 503, "busy");
        assert_eq!(busy.header("retry-after"), Some("1"));
    }
    gate.open();
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(answers.len(), 64);
    assert!(answers.iter().all(|answer| answer.status == 401), "{answers:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn told_to_stop_it_answers_what_is_under_way() {
    let gate = Gate::new();
    let figma = held(figma().await.figma(), &gate).await;
    let mut backend = Backend::start("stop", &figma.base_url());
    // A connection without a request does not hold it up.
    let authority = backend.base_url.trim_start_matches("http://").to_owned();
    let _idle = tokio::net::TcpStream::connect(&authority).await.unwrap();
    let asked = backend.ask("ppt_MARKED_paid");
    let stopped = async {
        figma.arrived(1).await;
        backend.terminate();
        while tokio::net::TcpStream::connect(&authority).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        gate.open();
    };
    let (answer, ()) = tokio::join!(asked, stopped);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(backend.exit_code(), Some(0), "{}", backend.log());
    let log = backend.log();
    assert!(log.contains("stopped") && !log.contains("did not end in time"), "{log}");
}

#[tokio::test]
async fn no_level_of_the_log_shows_a_token() {
    let figma = figma().await;
    let backend = Backend::start("secrets", &figma.base_url());
    for token in ["paid", "trial", "unpaid", "forged"] {
        backend.ask(&format!("ppt_MARKED_{token}")).await;
    }
    figma.inject(Fault::Reset, Calls::Next(1));
    assert_eq!(backend.ask("ppt_MARKED_reset").await.status, 503);
    // Where it does not belong.
    let target = "/palette?plugin_payment_token=ppt_MARKED_in_the_url";
    assert_eq!(wire::get(&backend.base_url, target, &[PAGE]).await.unwrap().status, 401);
    let log = backend.log();
    for shown in ["TRACE", "path=\"/palette\"", "status=402", r#"granted source="fresh""#] {
        assert!(log.contains(shown), "{shown}: {log}");
    }
    for secret in ["MARKED", "figd_"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn told_to_ask_a_sandbox_it_brings_one_and_users_to_try() {
    let arguments = ["--sandbox", "--listen", "127.0.0.1:0"];
    let mut backend = Backend::spawn("trial_run", command().args(arguments));
    let greeting = backend.lines(10);
    let line = |who: &str| {
        let (_, rest) = greeting.split_once(&format!("A user who {who}:\n  curl ")).unwrap();
        rest.lines().next().unwrap().to_owned()
    };
    for (who, status) in [("has paid", 200), ("is in a trial", 200), ("has not paid", 402)] {
        let line = line(who);
        let token = line.strip_prefix("-i -H 'Authorization: Bearer ").unwrap();
        let (token, url) = token.split_once("' ").unwrap();
        assert_eq!(url, format!("{}/palette", backend.base_url));
        assert_eq!(backend.ask(token).await.status, status, "{who}");
    }
}

/// Anybody has the sandbox's tokens, so that it serves only who asks for it.
#[test]
fn the_sandbox_is_never_served_unasked_nor_to_other_machines() {
    let local = ["--listen", "127.0.0.1:0"];
    let no_token = "error: there is no access token: set FIGMA_TOKEN to one of the account that owns the plugin; or give --sandbox, to try this without Figma";
    let only_local = "with --sandbox other machines must not reach the backend";
    let both =
        "--sandbox asks a sandbox, but FIGMA_TOKEN is for asking Figma: leave one of them out";
    for (token, arguments, why) in [
        (None, &local[..], no_token),
        (None, &["--listen", "0.0.0.0:0"], no_token),
        (Some(""), &local, no_token),
        (None, &["--sandbox", "--listen", "0.0.0.0:0"], only_local),
        (None, &["--sandbox", "--listen", "[::]:0"], only_local),
        (None, &["--sandbox", "--listen", "192.0.2.1:0"], only_local),
        (Some("figd_x"), &["--sandbox", "--listen", "127.0.0.1:0"], both),
        (
            None,
            &["--sandbox", "--base-url", "http://127.0.0.1:1"],
            "--sandbox starts its own server: leave --base-url out",
        ),
    ] {
        let ran = run(command().args(arguments).envs(token.map(|token| ("FIGMA_TOKEN", token))));
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{token:?} {arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{ran:?}");
        assert!(!ran.stderr.contains("figd_"), "{ran:?}");
    }
}

#[test]
fn what_is_wrong_with_a_command_line_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, why) in [
        (&["--port", "1"][..], "there is no option --port\nusage: "),
        (&["--listen"], "--listen needs a value\nusage: "),
        (&["--listen", "3000"], "--listen is 3000, but should be an address like 127.0.0.1:3000"),
        (&["--listen", &taken], "choose another --listen"),
        (&["--plugin", "x"], "the plugin id has something other than digits"),
        (&["--base-url", "http://127.0.0.1:1"], "there is no access token: set FIGMA_TOKEN"),
        (&["--base-url", "ftp://127.0.0.1"], "`base_url` does not begin with http"),
    ] {
        let token =
            (!why.starts_with("there is no access")).then_some(("FIGMA_TOKEN", "figd_sandbox"));
        let ran = run(command().args(arguments).envs(token));
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{ran:?}");
    }
}
