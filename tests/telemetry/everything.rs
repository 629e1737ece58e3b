//! The page after everything that is recorded has happened once, and what has to agree with
//! it: promtool, the alert rules, and the table in the documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, SystemTime};

use figma_payments::sandbox::{Calls, Fault, Purchase, Sandbox};
use figma_payments::{
    Client, Entitlements, PaymentInformation, PaymentQuery, PaymentStatus, PluginPaymentToken,
    RateLimits, RedisStore, Resource, Source, UserId,
};
use figma_payments_gate::{Caller, PaymentGate};
use futures_util::future::join;
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt};

use crate::page::Page;
use crate::setup;

const RULES: &str = include_str!("../../examples/alerts/rules.yml");
const DOCUMENTATION: &str = include_str!("../../docs/monitoring.md");
const SETUP: &str = include_str!("setup.rs");

const USER: &str = "500123";

/// The page, the same one for all tests here.
fn page() -> &'static Page {
    static PAGE: LazyLock<Page> = LazyLock::new(|| Page::of(everything()));
    &PAGE
}

/// Does everything that is recorded.
async fn everything() {
    let sandbox = Sandbox::start().await.unwrap();
    let limits = RateLimits::default().by_user(60).by_user_burst(1);
    let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
    let client = client.rate_limits(limits).build().unwrap();
    let plugin = Resource::plugin("1122334455").unwrap();
    let user: UserId = USER.parse().unwrap();
    let by_user = PaymentQuery::by_user(user.clone(), plugin.clone());
    let forged = PluginPaymentToken::new("ppt_MARKED").unwrap();
    let forged = PaymentQuery::by_token(forged, plugin.clone());

    // Twice at once: a miss, and one that joins its question. Then a refusal from memory.
    let entitlements = Entitlements::builder(client.clone());
    let entitlements = entitlements.stale_if_error(Duration::from_secs(3600)).build();
    let (first, second) = join(entitlements.get(&forged), entitlements.get(&forged)).await;
    assert!(first.is_err() && second.is_err());
    entitlements.get(&forged).await.unwrap_err();
    // A hit.
    let half_an_hour_ago = SystemTime::now() - Duration::from_secs(1800);
    let paid = |user: &UserId| PaymentInformation::new(user, &plugin, PaymentStatus::Paid);
    entitlements.prime(paid(&user)).await;
    entitlements.get(&by_user).await.unwrap();
    // Two attempts, the second one after a wait for the limit.
    sandbox.inject(Fault::Status(503), Calls::Next(1));
    client.get_payments(&by_user).await.unwrap();
    // A 429, and a call that is not sent because of it.
    sandbox.inject(Fault::Status(429), Calls::Next(1));
    client.get_payments(&by_user).await.unwrap_err();
    client.get_payments(&by_user).await.unwrap_err();
    // A stale answer.
    let other = UserId::from(7);
    entitlements.prime_at(paid(&other), half_an_hour_ago).await;
    let other = PaymentQuery::by_user(other, plugin.clone());
    assert_eq!(entitlements.get(other).await.unwrap().source, Source::Stale);
    // An answer near its end, which is renewed in the background.
    let nearly_ten_minutes_ago = SystemTime::now() - Duration::from_secs(560);
    let steady = UserId::from(8);
    let unlimited = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
    let renewing = Entitlements::new(unlimited.build().unwrap());
    renewing.prime_at(paid(&steady), nearly_ten_minutes_ago).await;
    let steady = PaymentQuery::by_user(steady, plugin.clone());
    assert_eq!(renewing.get(&steady).await.unwrap().source, Source::Cached);
    while renewing.counters().renewals == 0 {
        tokio::task::yield_now().await;
    }
    // A Redis that fails.
    let store = RedisStore::connect(redis_that_only_says_ok(), "acme").await.unwrap();
    let shared = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
    let shared = Entitlements::new(shared.shared(store.clone()).build().unwrap());
    shared.get(&steady).await.unwrap();
    assert_eq!(store.health().outages, 1, "{:?}", store.health());
    // A request that the gate lets through, and one that it refuses.
    let token = PluginPaymentToken::new("ppt_MARKED_paid").unwrap();
    sandbox.set(Purchase::paid(&user, &plugin, "2024-06-15T14:30:00Z"));
    sandbox.accept_token(token, &user, &plugin, Duration::from_secs(600));
    let gate = PaymentGate::new(Entitlements::new(client), plugin);
    let gate = gate.caller_from(|_| Some(Caller::named("MARKED")));
    let route = async |_| Ok::<_, Infallible>(Response::new(String::new()));
    let gated = ServiceBuilder::new().layer(gate).service_fn(route);
    for (token, status) in [("Bearer ppt_MARKED_paid", 200), ("", 401)] {
        let request = Request::get("/").header("authorization", token).body(()).unwrap();
        let response = gated.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

/// The URL of a server that answers every command with `OK`, which says nothing to a script's
/// caller.
fn redis_that_only_says_ok() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let lines = BufReader::new(stream.try_clone().unwrap()).split(b'\n');
                for line in lines.map_while(Result::ok) {
                    // Each command begins with the number of its arguments.
                    if line.starts_with(b"*") && stream.write_all(b"+OK\r\n").is_err() {
                        break;
                    }
                }
            });
        }
    });
    url
}

/// Where the documentation has a metric with its type and labels.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    kind: &'a str,
    labels: BTreeSet<&'a str>,
}

/// The table of metrics in the documentation.
fn documented() -> BTreeMap<&'static str, Row<'static>> {
    let (_, section) = DOCUMENTATION.split_once("\n## Metrics\n").expect("a section on metrics");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `figma_payments_"));
    let rows = rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, kind, _unit, labels, meaning, _] = cells[..] else {
            panic!("the row has to have five cells: {line}")
        };
        assert!(!meaning.is_empty(), "{line}");
        let labels = labels.split(", ").map(|label| label.trim_matches('`'));
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (name.trim_matches('`'), Row { kind, labels })
    });
    rows.collect()
}

/// What the page has, as the documentation should say it.
fn rendered(page: &Page) -> BTreeMap<&str, Row<'_>> {
    let row = |(name, kind)| (name, Row { kind, labels: page.labels(name) });
    page.types().into_iter().map(row).collect()
}

#[test]
fn the_documentation_lists_what_is_on_the_page() {
    let page = page();
    assert_eq!(documented(), rendered(page), "left: docs/monitoring.md, right: the page");
}

#[test]
fn everything_on_the_page_has_happened_and_has_a_description() {
    let page = page();
    for (name, kind) in page.types() {
        let has_happened =
            ["", "_count"].iter().any(|it| !page.series(&format!("{name}{it}")).is_empty());
        assert_eq!(has_happened, kind != "gauge", "{name}: what is under way or in memory is over");
        assert!(page.described().contains(name), "{name}");
    }
}

#[test]
fn no_user_and_no_token_is_on_the_page() {
    let page = page();
    assert!(!page.0.contains(USER) && !page.0.contains("MARKED"), "{}", page.0);
}

#[test]
fn the_documentation_shows_the_exporter_that_these_tests_use() {
    // For the whole process. The other tests have a recorder for their thread, which is used
    // instead.
    setup::install().unwrap();
    assert!(
        DOCUMENTATION.contains(SETUP),
        "docs/monitoring.md has to show tests/telemetry/setup.rs"
    );
}

#[test]
fn every_metric_in_the_alert_rules_is_on_the_page() {
    let page = page();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = RULES.split(|c| !is_name(c)).collect();
    let named: BTreeSet<&str> =
        words.into_iter().filter(|word| word.starts_with("figma_payments_")).collect();
    assert!(named.len() >= 4, "{named:?}");
    let types = page.types();
    for name in named {
        assert!(types.contains_key(name), "{name} is in examples/alerts/rules.yml alone");
    }
}

#[test]
fn every_alert_is_in_the_documentation() {
    let alerts = RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        assert!(DOCUMENTATION.contains(&format!("`{alert}`")), "{alert}");
    }
}

#[test]
#[ignore = "needs promtool; run by `cargo xtask alerts`"]
fn promtool_finds_nothing_wrong_with_the_page() {
    let page = page();
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut promtool = promtool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(page.0.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}\n{}", page.0);
}
