//! `figma-payments fleet`: what an operator sees of a backend that shares a Redis, and can do.

use std::time::Duration;

use figma_payments::sandbox::{Reply, ScriptedServer};
use figma_payments::{Client, Entitlements, PersonalAccessToken, RateLimits, RedisStore};
use fleet::redis_server::Redis;
use fleet::wait;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::bulk::{PLUGIN, sandbox};
use crate::support::program::{KEY, Ran, run};
use crate::support::redis::{NAMESPACE, about, connect, replica, run_with};

/// How long something may take that happens within some seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a command of `fleet` without an access token.
fn fleet(redis: &Redis, base_url: &str, arguments: &[&str]) -> Ran {
    let url = redis.url();
    let variables = [
        ("FIGMA_TOKEN", ""),
        ("FIGMA_PAYMENTS_REDIS_URL", &url),
        ("FIGMA_PAYMENTS_NAMESPACE", NAMESPACE),
    ];
    run_with(&variables, &[&["fleet"], arguments, &["--base-url", base_url]].concat())
}

fn status(redis: &Redis, base_url: &str) -> Value {
    let ran = fleet(redis, base_url, &["status", "--json"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[tokio::test]
async fn the_status_says_who_shares_and_what() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[("1", "PAID")]).await);
    let base_url = &program.base_url;
    let one = replica(connect(&redis).await, base_url).await;
    let other = replica(connect(&redis).await, base_url).await;
    one.get(about(1)).await.unwrap();
    other.get(about(2)).await.unwrap();
    let limit = |set: Value, calls: u32| {
        let in_force = set.as_f64();
        json!({ "limit_set": set, "limit_in_force": in_force, "pause_seconds": null, "waiting": 0, "calls_in_last_minute": calls })
    };
    let expected = json!({
        "namespace": NAMESPACE,
        "server": base_url,
        "sharing": true,
        "processes": 2,
        "answers": 2,
        "by_user": limit(json!(600), 2),
        "by_token": limit(json!(null), 0),
    });
    assert_eq!(status(&redis, base_url), expected);
    let ran = fleet(&redis, base_url, &["status"]);
    let table = format!(
        "\
acme, asking {base_url}

sharing                   on
processes                 2
answers kept              2

                          by user           by payment token
limit set                 600 a minute      none
limit in force            600 a minute      none
pause after a 429         no                no
callers waiting           0                 0
calls in the last minute  2                 0
"
    );
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(0), &*table, ""));

    // Of another server, with a slash more or less and a host in capitals.
    let elsewhere = status(&redis, "http://LOCALHOST:1/");
    assert_eq!(elsewhere["server"], "http://localhost:1");
    assert_eq!((&elsewhere["processes"], &elsewhere["answers"]), (&json!(0), &json!(0)));
    assert_eq!(status(&redis, &format!("{base_url}/"))["answers"], 2);

    drop((one, other));
    wait::until_so("both have said goodbye", PATIENCE, || {
        status(&redis, base_url)["processes"] == 0
    });
    // One that was killed long ago.
    let order = redis.keys("figma:").into_iter().find(|key| key.ends_with(":order")).unwrap();
    redis.command(&["ZADD", &order.replace(":order", ":processes"), "1", "killed"]);
    assert_eq!(status(&redis, base_url)["processes"], 0);
}

/// Figma asks for a pause, and a batch waits for its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_says_what_is_waited_for() {
    if !Redis::available() {
        return;
    }
    let redis = Redis::start();
    let limited = |_: &_| Reply::json(429, "{}").header("retry-after", "3600");
    let figma = ScriptedServer::start(limited).await.unwrap();
    let token = PersonalAccessToken::new(KEY.1).unwrap();
    let client = Client::builder(token).base_url(figma.base_url()).shared(connect(&redis).await);
    let client = client.rate_limits(RateLimits::default().by_user(50)).build().unwrap();
    let users = client.get_payments_all(stream::iter((0..3).map(about)));
    let batch = tokio::spawn(users.collect::<Vec<_>>());
    let waiting = || {
        let by_user = status(&redis, &figma.base_url())["by_user"].clone();
        (by_user["waiting"] == 3 && !by_user["pause_seconds"].is_null()).then_some(by_user)
    };
    let (by_user, _) = wait::until("three callers wait for the pause to end", PATIENCE, waiting);
    let pause = by_user["pause_seconds"].as_f64().unwrap();
    assert!((3_500.0..3_600.0).contains(&pause), "{by_user}");
    assert_eq!(by_user["limit_set"], 50);
    assert!(by_user["limit_in_force"].as_f64().unwrap() < 50.0, "{by_user}");
    let table = fleet(&redis, &figma.base_url(), &["status"]).stdout;
    assert!(table.contains("\npause after a 429         59m "), "{table}");
    assert!(table.contains("\ncallers waiting           3 "), "{table}");
    batch.abort();
}

#[tokio::test]
async fn what_is_to_be_forgotten_is_forgotten_by_all() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[("1", "PAID"), ("2", "PAID")]).await);
    let base_url = &program.base_url;
    let secret = "a secret of at least thirty-two bytes";
    let plain = RedisStore::builder(redis.url()).namespace(NAMESPACE);
    let sealed = RedisStore::builder(redis.url()).namespace(NAMESPACE).sealed(secret);
    for (builder, secret) in [(plain, None), (sealed, Some(secret))] {
        let backend = replica(builder.connect().await.unwrap(), base_url).await;
        let known = async |user| backend.get_cached(about(user)).await.is_some();
        let (redis, url) = (&redis, redis.url());
        let forget = |what: &[&str]| {
            let mut variables = vec![
                ("FIGMA_TOKEN", ""),
                ("FIGMA_PAYMENTS_REDIS_URL", &*url),
                ("FIGMA_PAYMENTS_NAMESPACE", NAMESPACE),
            ];
            variables.extend(secret.map(|secret| ("FIGMA_PAYMENTS_REDIS_SECRET", secret)));
            let command = ["fleet", "forget", "--base-url", base_url];
            let ran = run_with(&variables, &[&command, what].concat());
            assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
            ran.stdout
        };
        backend.get(about(1)).await.unwrap();
        backend.get(about(2)).await.unwrap();
        for other in [["--user", "1", "--widget", PLUGIN], ["--user", "3", "--plugin", PLUGIN]] {
            forget(&other);
        }
        assert!(known(1).await && known(2).await);
        let said = forget(&["--user", "1", "--plugin", PLUGIN]);
        assert!(said.starts_with("forgotten in acme by the processes that ask http://127.0.0.1:"));
        assert!(said.contains("user 1 and plugin 1678669904810665842."), "{said}");
        assert!(!known(1).await && known(2).await);
        backend.get(about(1)).await.unwrap();
        assert!(forget(&["--all"]).starts_with("all answers are forgotten in acme by"));
        assert!(!known(1).await && !known(2).await);
        assert!(
            redis.keys("figma:").iter().all(|key| !key.contains(secret.unwrap_or("no secret")))
        );
    }
}

#[tokio::test]
async fn sharing_is_turned_off_and_on_again() {
    if !Redis::available() {
        return;
    }
    let (redis, program) = (Redis::start(), sandbox(&[]).await);
    let (base_url, store) = (&program.base_url, connect(&redis).await);
    let backend: Entitlements = replica(store.clone(), base_url).await;
    backend.get(about(1)).await.unwrap();
    let ran = fleet(&redis, base_url, &["sharing", "off"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.starts_with("sharing is off in acme: each process goes on alone."));
    assert!(!store.health().in_use, "it waits until all have heard of it");
    assert_eq!(status(&redis, base_url)["sharing"], false);
    let table = fleet(&redis, base_url, &["status"]).stdout;
    assert!(table.contains("\nsharing                   off: each process"), "{table}");
    let ran = fleet(&redis, base_url, &["sharing", "on"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "sharing is on in acme.\n"), "{ran:?}");
    wait::until_so("it shares again", PATIENCE, || store.health().in_use);
    assert_eq!(status(&redis, base_url)["sharing"], true);
}

#[test]
fn without_redis_nothing_is_done() {
    if !Redis::available() {
        return;
    }
    let redis = Redis::start();
    let (base_url, forget) = ("http://127.0.0.1:1", ["forget", "--user", "1", "--plugin", "1"]);
    redis.kill();
    for arguments in
        [&["status"][..], &["status", "--json"], &forget, &["forget", "--all"], &["sharing", "off"]]
    {
        let ran = fleet(&redis, base_url, arguments);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stderr.starts_with("error: Redis cannot be used: no connection"), "{ran:?}");
        assert!(ran.stderr.contains("\nCheck that Redis runs and can be reached"), "{ran:?}");
        match arguments.contains(&"--json") {
            true => {
                let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
                assert_eq!(printed["error"]["kind"], "store", "{ran:?}");
            }
            false => assert_eq!(ran.stdout, ""),
        }
    }
}

#[test]
fn what_is_wrong_with_a_command_is_said() {
    let redis = ["--redis", "redis://127.0.0.1:1", "--namespace", "acme"];
    let named = |command: &[&'static str]| [command, &redis].concat();
    let unclear = "it is not clear what to forget: give --user and one of --plugin, --widget";
    for (arguments, why) in [
        (vec!["status"], "there is no Redis: give --redis, or set FIGMA_PAYMENTS_REDIS_URL"),
        (vec!["status", "--redis", "redis://127.0.0.1:1"], "there is no namespace: give"),
        (vec!["status", "--redis", "redis://:MARKED@127.0.0.1:1"], "--redis has a password"),
        (named(&["status", "--base-url", "http://example.com"]), "plain http://"),
        (named(&["status", "--base-url", "figma"]), "begin it with https://, as in https://figma"),
        (named(&["forget"]), unclear),
        (named(&["forget", "--user", "1"]), unclear),
        (named(&["forget", "--plugin", "1"]), unclear),
        (named(&["forget", "--all", "--user", "1"]), "cannot be used with"),
        (named(&["forget", "--all", "--plugin", "1"]), "cannot be used with"),
        (named(&["forget", "--user", "x", "--plugin", "1"]), "1 to 20 digits are expected"),
        (named(&["sharing"]), "required"),
        (named(&["sharing", "maybe"]), "possible values: on, off"),
        (vec![], "Usage: figma-payments fleet"),
    ] {
        let ran = run_with(&[], &[&["fleet"][..], &arguments].concat());
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(why) && !ran.stderr.contains("MARKED"), "{why}: {ran:?}");
    }
    // As with `check`: help is no answer.
    for arguments in [&["fleet", "--help"][..], &["fleet", "forget", "--help"]] {
        assert_eq!(run(arguments, b"").code, Some(2), "{arguments:?}");
    }
    assert_eq!(run(&["help", "fleet"], b"").code, Some(0));
}
