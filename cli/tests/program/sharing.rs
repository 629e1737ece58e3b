//! `check` and `bulk` with a Redis that they share with a backend.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use figma_payments::sandbox::{Gate, Reply, ScriptedServer};
use figma_payments::{RedisStore, Source, UserId};
use fleet::redis_server::Redis;
use serde_json::json;

use crate::support::bulk::{PLUGIN, file, numbered, sandbox, users};
use crate::support::program::Program;
use crate::support::redis::{NAMESPACE, about, connect, plugin, replica, run_sharing, run_with};

/// The arguments of a run without `--per-minute`.
fn bulk<'a>(base_url: &'a str, input: &'a Path, output: &'a Path) -> [&'a str; 8] {
    let (input, output) = (input.to_str().unwrap(), output.to_str().unwrap());
    ["bulk", input, "--output", output, "--plugin", PLUGIN, "--base-url", base_url]
}

/// How many questions the sandbox has had.
async fn asked(program: &Program) -> usize {
    let log = program.control("GET", "/requests", json!(null)).await.json();
    log["requests"].as_array().unwrap().len()
}

#[tokio::test]
async fn bulk_keeps_to_the_limit_of_the_fleet_and_leaves_its_answers_there() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[("1", "PAID"), ("2", "TRIAL")]).await);
    let backend = replica(connect(&redis).await, &program.base_url).await;
    backend.get(about(1_000)).await.unwrap();
    let begun = Instant::now();
    const USERS: u32 = 30;
    let (input, output) = (numbered("shared.txt", USERS), file("shared.csv"));
    let arguments = bulk(&program.base_url, &input, &output);
    let ran = run_sharing(&redis, &arguments);
    let took = begun.elapsed();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let shared = "\nThe rate limit and the answers were shared with the processes of acme.\n";
    assert!(ran.stderr.ends_with(shared), "{ran:?}");
    // 10 a second since the backend's question; the limit has no burst saved up.
    assert!(took > Duration::from_millis(100) * (USERS - 2), "{took:?}");
    assert_eq!(users(&output).len(), USERS as usize);

    for user in 1..=u64::from(USERS) {
        let known = backend.get(about(user)).await.unwrap();
        assert_eq!(known.grants_access(), user < 3, "{user}");
        assert_eq!(known.source, Source::Cached, "{user}");
    }
    assert_eq!(asked(&program).await, 1 + USERS as usize);

    let before = fs::read(&output).unwrap();
    let again = run_sharing(&redis, &arguments);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stderr.contains("30 users had an answer before."), "{again:?}");
    assert_eq!(fs::read(&output).unwrap(), before);
    assert_eq!(asked(&program).await, 1 + USERS as usize);
}

/// In a new namespace nothing counts that was asked before the first look at it.
#[tokio::test]
async fn the_first_answers_in_a_new_namespace_are_kept() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[("1", "PAID"), ("2", "TRIAL")]).await);
    let (input, output) = (numbered("first.txt", 2), file("first.csv"));
    let ran = run_sharing(&redis, &bulk(&program.base_url, &input, &output));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let backend = replica(connect(&redis).await, &program.base_url).await;
    for user in [1, 2] {
        assert!(backend.get_cached(about(user)).await.is_some(), "{user}");
    }
}

/// Figma has answered before the refund, and bulk hears of it after it.
#[tokio::test]
async fn what_was_refunded_while_bulk_asked_is_not_kept() {
    if !Redis::available() {
        return;
    }
    let (redis, gate) = (Redis::start(), Gate::new());
    let held = gate.clone();
    let meta = json!({ "user_id": "1", "resource_id": PLUGIN, "resource_type": "PLUGIN", "payment_status": "PAID", "date_of_purchase": null });
    let body = json!({ "status": 200, "error": false, "meta": meta }).to_string();
    let figma =
        ScriptedServer::start(move |_| Reply::json(200, body.clone()).behind(&held)).await.unwrap();
    let backend = replica(connect(&redis).await, &figma.base_url()).await;
    let (input, output) = (numbered("refunded.txt", 1), file("refunded.csv"));
    let (url, base_url) = (redis.url(), figma.base_url());
    let run = {
        let (input, output) = (input.clone(), output.clone());
        tokio::task::spawn_blocking(move || {
            let sharing = ["--redis", &url, "--namespace", NAMESPACE];
            run_with(&[], &[&bulk(&base_url, &input, &output)[..], &sharing].concat())
        })
    };
    figma.arrived(1).await;
    backend.invalidate(&UserId::from(1), &plugin()).await.unwrap();
    gate.open();
    let ran = run.await.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(users(&output), ["1"]);
    assert_eq!(backend.get_cached(about(1)).await, None);
}

#[tokio::test]
async fn check_asks_figma_and_tells_the_fleet() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[("1", "PAID")]).await);
    let backend = replica(connect(&redis).await, &program.base_url).await;
    assert!(backend.get(about(1)).await.unwrap().grants_access());
    let refund = json!({ "user_id": "1", "plugin_id": PLUGIN, "payment_status": "UNPAID" });
    assert_eq!(program.control("PUT", "/purchases", refund).await.status, 200);
    assert!(backend.get(about(1)).await.unwrap().grants_access(), "nobody has heard of it");

    let check = ["check", "--user", "1", "--plugin", PLUGIN, "--base-url", &program.base_url];
    let ran = run_sharing(&redis, &check);
    assert_eq!((ran.code, &*ran.stderr), (Some(1), ""), "{ran:?}");
    let known = backend.get(about(1)).await.unwrap();
    assert_eq!((known.grants_access(), known.source), (false, Source::Cached));
    assert_eq!(asked(&program).await, 2);
}

#[tokio::test]
async fn with_a_secret_nobody_reads_in_redis_who_has_paid() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[("500123", "PAID")]).await);
    let secret = "a secret of at least thirty-two bytes";
    let url = redis.url();
    let variables = [("FIGMA_PAYMENTS_REDIS_SECRET", secret)];
    let arguments = [
        "check",
        "--user",
        "500123",
        "--plugin",
        PLUGIN,
        "--base-url",
        &program.base_url,
        "--redis",
        &url,
        "--namespace",
        NAMESPACE,
    ];
    let ran = run_with(&variables, &arguments);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    let sealed = RedisStore::builder(redis.url()).namespace(NAMESPACE).sealed(secret);
    let backend = replica(sealed.connect().await.unwrap(), &program.base_url).await;
    assert!(backend.get_cached(about(500_123)).await.unwrap().grants_access());
    let keys = redis.keys("figma:{acme}:").join("\n");
    assert!(keys.contains(":answer:") && !keys.contains("500123"), "{keys}");
    let other = replica(connect(&redis).await, &program.base_url).await;
    assert_eq!(other.get_cached(about(500_123)).await, None);
}

#[tokio::test]
async fn without_redis_check_asks_all_the_same_and_bulk_does_not() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[("1", "PAID")]).await);
    let (input, output) = (numbered("away.txt", 3), file("away.csv"));
    let check = ["check", "--user", "1", "--plugin", PLUGIN, "--base-url", &program.base_url];
    let bulk = bulk(&program.base_url, &input, &output);
    let operator = connect(&redis).await.operator(&program.base_url);
    for (number, why) in [(1, "sharing is switched off"), (2, "no connection to Redis")] {
        match number {
            1 => operator.set_sharing(false).await.unwrap(),
            _ => redis.kill(),
        }
        let ran = run_sharing(&redis, &check);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.starts_with("access: user 1 is PAID"), "{ran:?}");
        assert!(ran.stderr.starts_with("Redis could not be used ("), "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
        let ran = run_sharing(&redis, &bulk);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stderr.starts_with("error: nothing was asked: "), "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_eq!(asked(&program).await, number, "only check has asked");
    }
}

#[test]
fn a_wrong_redis_or_namespace_is_refused_and_no_password_is_said() {
    if !Redis::available() {
        return;
    }
    let redis = Redis::options().password("MARKED").start();
    let (url, namespace) = ("FIGMA_PAYMENTS_REDIS_URL", ("FIGMA_PAYMENTS_NAMESPACE", "acme"));
    let (address, right) = (format!("redis://{}", redis.address()), redis.url());
    let wrong = format!("redis://:MARKED_2@{}", redis.address());
    let in_sight = "--redis has a password, which everybody on this machine can see in the list of processes: set the environment variable FIGMA_PAYMENTS_REDIS_URL to the URL instead";
    let missing = "there is no namespace: give --namespace, or set FIGMA_PAYMENTS_NAMESPACE";
    let input = numbered("refused.txt", 1);
    let output = file("refused.csv");
    let bulk = ["bulk", input.to_str().unwrap(), "--output", output.to_str().unwrap()];
    for (variables, options, why) in [
        (&[namespace][..], &["--redis", &right][..], in_sight),
        (&[namespace], &["--redis", "redis://:MARKED#1@redis.internal"], in_sight),
        (&[(url, &right)], &[], missing),
        (&[(url, &right), ("FIGMA_PAYMENTS_NAMESPACE", "")], &[], missing),
        (&[], &["--redis", &address], missing),
        (&[], &["--namespace", "acme"], "there is none: give --redis, or set FIGMA_PAYMENTS_RED"),
        (&[(url, &right)], &["--namespace", "a{b}"], "--namespace has a brace; use a short name"),
        (&[(url, &right)], &["--namespace", "a b"], "--namespace has a space; use a short name"),
        (&[(url, &right)], &["--namespace", ""], "--namespace is empty; use a short name"),
        (&[namespace], &["--redis", "http://redis.internal"], "use one like redis://redis.int"),
        (
            &[(url, &right), ("FIGMA_PAYMENTS_NAMESPACE", "a b")],
            &[],
            "FIGMA_PAYMENTS_NAMESPACE has a space",
        ),
        (&[namespace], &["--redis", "redis.internal"], "--redis is not a URL"),
        (&[(url, "MARKED"), namespace], &[], "FIGMA_PAYMENTS_REDIS_URL is not a URL"),
        (&[(url, &wrong), namespace], &[], "WRONGPASS"),
        (&[namespace], &["--redis", &address], "NOAUTH"),
        (
            &[(url, &right), namespace, ("FIGMA_PAYMENTS_REDIS_SECRET", "MARKED")],
            &[],
            "FIGMA_PAYMENTS_REDIS_SECRET has 6 bytes; use at least 32 random",
        ),
    ] {
        let check = ["check", "--user", "1"];
        for command in [&check[..], &bulk] {
            let ran = run_with(variables, &[command, &["--plugin", "1"], options].concat());
            assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{options:?}: {ran:?}");
            assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{ran:?}");
            assert!(!ran.stderr.contains("MARKED"), "{ran:?}");
        }
    }
    assert!(!output.exists());
}
