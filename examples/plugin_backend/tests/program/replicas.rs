//! Replicas of the backend that share a Redis: nothing is in front of them but their ports.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use figma_payments::sandbox::{Gate, Purchase, Sandbox, ScriptedServer};
use figma_payments::{Client, Entitlements, PaymentQuery, RedisStore, UserId};
use fleet::redis_server::Redis;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::backend::{Backend, PLUGIN, command, run};
use crate::{give, plugin, wire};

const USERS: u64 = 6;
const PATIENCE: Duration = Duration::from_secs(20);
const LATENCY: Duration = Duration::from_millis(300);

/// A sandbox in which users up to `USERS` have paid, with a token for each; and so has user 100,
/// whose answers wait for the gate.
async fn figma(gate: &Gate) -> (Sandbox, ScriptedServer) {
    let sandbox = Sandbox::start().await.unwrap();
    for user in (1..=USERS).chain([100]) {
        sandbox.set(Purchase::paid(&UserId::from(user), &plugin(), "2024-06-15T14:30:00Z"));
        give(&sandbox, &token(user), user, &plugin());
    }
    let (figma, gate) = (sandbox.figma().clone(), gate.clone());
    let server = ScriptedServer::start(move |request| {
        let is_held = request.query().contains(&token(100));
        // So all replicas ask before the first answer comes.
        let answer = figma.answer(request).after(LATENCY);
        if is_held { answer.behind(&gate) } else { answer }
    });
    (sandbox, server.await.unwrap())
}

fn token(user: u64) -> String {
    format!("ppt_MARKED_{user}")
}

fn replica(name: &str, figma: &ScriptedServer, redis: &Redis) -> Backend {
    let mut command = command();
    command.args(["--listen", "127.0.0.1:0", "--base-url", &figma.base_url()]);
    command.args(["--redis", &redis.url(), "--namespace", "acme"]);
    Backend::spawn(name, command.env("FIGMA_TOKEN", "figd_sandbox"))
}

/// How often Figma was asked each question: by token, and by user.
fn asked(figma: &ScriptedServer) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for request in figma.requests() {
        let mut parameters = request.query().split('&');
        let who = parameters.find(|parameter| !parameter.starts_with("plugin_id="));
        *asked.entry(who.unwrap().to_owned()).or_default() += 1;
    }
    asked
}

fn by_token(user: u64) -> String {
    format!("plugin_payment_token={}", token(user))
}

/// What a nightly job does with the users, as `figma-payments bulk --redis` does it: it asks
/// about each, and leaves the answers to the replicas.
/// `None` if Redis did not answer in time.
async fn job(figma: &ScriptedServer, sandbox: &Sandbox, redis: &Redis) -> Option<()> {
    let store = RedisStore::connect(redis.url(), "acme").await.unwrap();
    let client = Client::builder(sandbox.access_token()).base_url(figma.base_url());
    let client = client.shared(store.clone()).build().unwrap();
    let entitlements = Entitlements::new(client.clone());
    let began = SystemTime::now();
    let users = (1..=USERS).map(|user| PaymentQuery::by_user(UserId::from(user), plugin()));
    let mut answers = client.get_payments_all(stream::iter(users));
    while let Some((_, outcome)) = answers.next().await {
        entitlements.prime_at(outcome.unwrap(), began).await;
    }
    (store.health().outages == 0).then_some(())
}

/// `None` if Redis did not answer one of them in time.
async fn all_in_time(replicas: &[Backend]) -> Option<()> {
    for replica in replicas {
        let health = wire::get(&replica.base_url, "/ready", &[]).await.unwrap().json();
        if health["redis"]["outages"] != 0 {
            return None;
        }
    }
    Some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_and_a_job_ask_about_each_user_once() {
    if !Redis::available() {
        return;
    }
    // A process that does not hear from Redis for 100 ms asks by itself, and a machine that is
    // busy with other tests may bring that about.
    for _ in 0..5 {
        if drill().await.is_some() {
            return;
        }
        println!("Redis did not answer in time; once more");
    }
    panic!("Redis never answered in time");
}

/// `None` if one of those that go on could not use Redis for a while.
async fn drill() -> Option<()> {
    let (redis, gate) = (Redis::start(), Gate::new());
    let (sandbox, figma) = figma(&gate).await;
    let mut replicas =
        ["replica_1", "replica_2", "replica_3"].map(|name| replica(name, &figma, &redis));

    // Every user comes to all replicas at the same moment.
    let asks = replicas
        .iter()
        .flat_map(|replica| (1..=USERS).map(async |user| replica.ask(&token(user)).await.status));
    let statuses = join_all(asks).await;
    all_in_time(&replicas).await?;
    assert_eq!(statuses, [200; 3 * USERS as usize]);
    let mut expected: BTreeMap<String, usize> =
        (1..=USERS).map(|user| (by_token(user), 1)).collect();
    assert_eq!(asked(&figma), expected);

    // One is killed while it asks what the others ask too: that is asked once more.
    let held = token(100);
    let (killed, others) = replicas.split_at_mut(1);
    tokio::select! {
        answer = killed[0].ask(&held) => panic!("the gate is closed: {answer:?}"),
        () = figma.arrived(USERS as usize + 1) => {}
    }
    let waiting = others.iter().map(|replica| replica.ask(&held));
    let again = async {
        killed[0].kill();
        figma.arrived(USERS as usize + 2).await;
        gate.open();
    };
    let (answers, done) = tokio::join!(join_all(waiting), timeout(PATIENCE, again));
    all_in_time(others).await?;
    done.expect("the lease of the killed replica ends");
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    expected.insert(by_token(100), 2);
    assert_eq!(asked(&figma), expected);

    // A job goes through all users while the others serve, and finds a refund.
    let refunded = UserId::from(1);
    sandbox.set(Purchase::refunded(&refunded, &plugin(), "2024-06-15T14:30:00Z"));
    let served = RefCell::new(Vec::new());
    let serving = async {
        loop {
            for replica in others.iter() {
                let status = replica.ask(&token(2)).await.status;
                served.borrow_mut().push(status);
            }
        }
    };
    let in_time = tokio::select! {
        in_time = job(&figma, &sandbox, &redis) => in_time,
        () = serving => unreachable!("it serves until the job has ended"),
    };
    let after = others.iter().map(async |replica| {
        (replica.ask(&token(1)).await.status, replica.ask(&token(3)).await.status)
    });
    let after = join_all(after).await;
    in_time?;
    all_in_time(others).await?;
    assert!(served.borrow().iter().all(|status| *status == 200), "{served:?}");
    assert_eq!(after, [(402, 200); 2], "the job has told them of the refund");
    expected.extend((1..=USERS).map(|user| (format!("user_id={user}"), 1)));
    assert_eq!(asked(&figma), expected);
    Some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_stays_ready_while_redis_is_away() {
    if !Redis::available() {
        return;
    }
    let (redis, gate) = (Redis::start(), Gate::new());
    let (_sandbox, figma) = figma(&gate).await;
    let backend = replica("ready", &figma, &redis);
    let ready = async || {
        let answer = wire::get(&backend.base_url, "/ready", &[]).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["redis"].clone()
    };
    let in_use = async |expected: bool| {
        let begun = Instant::now();
        loop {
            let redis: Value = ready().await;
            if redis["in_use"] == expected {
                return redis;
            }
            assert!(begun.elapsed() < PATIENCE, "{redis}");
            sleep(Duration::from_millis(20)).await;
        }
    };
    let health = in_use(true).await;
    assert_eq!(health["outages"], 0, "{health}");
    redis.kill();
    let health = in_use(false).await;
    assert_eq!(health["outages"], 1, "{health}");
    assert!(health["last_failure"].as_str().unwrap().contains("connection"), "{health}");
    assert_eq!(backend.ask(&token(1)).await.status, 200);
    redis.restart();
    in_use(true).await;

    let alone = Backend::start("alone", &figma.base_url());
    let answer = wire::get(&alone.base_url, "/ready", &[]).await.unwrap();
    assert_eq!((answer.status, &answer.json()["redis"]), (200, &Value::Null));
}

#[test]
fn what_is_wrong_with_its_redis_is_said_and_no_password() {
    let url = "FIGMA_PAYMENTS_REDIS_URL";
    for (variables, options, why) in [
        (&[][..], &["--redis", "redis://127.0.0.1:1"][..], "a Redis needs a namespace: give"),
        (&[(url, "redis://127.0.0.1:1")], &[], "a Redis needs a namespace: give"),
        (&[], &["--namespace", "acme"], "--namespace is for a Redis: give --redis, or set"),
        (
            &[],
            &["--redis", "redis://:MARKED@127.0.0.1:1", "--namespace", "acme"],
            "--redis has a user or a password: set FIGMA_PAYMENTS_REDIS_URL instead",
        ),
        (
            &[(url, "http://:MARKED@127.0.0.1:1")],
            &["--namespace", "acme"],
            "use one like redis://redis.internal:6379/0",
        ),
        (
            &[(url, "redis://127.0.0.1:1"), ("FIGMA_PAYMENTS_NAMESPACE", "a b")],
            &[],
            "the namespace has a space",
        ),
    ] {
        let mut command = command();
        command.args(["--plugin", PLUGIN, "--listen", "127.0.0.1:0"]).args(options);
        command.env("FIGMA_TOKEN", "figd_x").envs(variables.iter().copied());
        let ran = run(&mut command);
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{options:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{ran:?}");
        assert!(!ran.stderr.contains("MARKED"), "{ran:?}");
    }
}
