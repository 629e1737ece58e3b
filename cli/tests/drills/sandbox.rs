//! The sandbox under load, under SIGKILL and under idle connections. Small here;
//! `cargo xtask deep` runs them in full and reports the figures.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use figma_payments::sandbox::{Figma, FigmaLimits, Sandbox};
use figma_payments::{Client, PaymentQuery, PaymentStatus, Resource, RetryPolicy, UserId};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::program::Program;
use crate::support::{LARGE_ID, size, wire};

/// Resident memory of a process in KiB; 0 where there is no `/proc`.
fn memory(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}

/// The versions of one purchase: those begun to be set, and those set.
#[derive(Default)]
struct Versions {
    begun: AtomicU64,
    done: AtomicU64,
}

fn status(version: u64) -> PaymentStatus {
    match version % 3 {
        0 => PaymentStatus::Unpaid,
        1 => PaymentStatus::Paid,
        _ => PaymentStatus::Trial,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_under_load_is_one_to_a_state_that_there_was() {
    const USERS: usize = 50;
    const IN_FLIGHT: usize = 64;
    let calls = size(100_000, 3_000);
    let sandbox = Arc::new(Sandbox::start().await.unwrap());
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    // What is used up is forgotten, so that memory stays flat.
    sandbox.configure(|settings| settings.single_use_tokens = true);
    let plugin = Resource::plugin(LARGE_ID).unwrap();
    let versions: Arc<Vec<Versions>> = Arc::new((0..USERS).map(|_| Versions::default()).collect());
    let set = {
        let (sandbox, plugin, versions) = (sandbox.clone(), plugin.clone(), versions.clone());
        move |user: usize| {
            let version = versions[user].begun.fetch_add(1, SeqCst) + 1;
            let id = UserId::from(user as u64);
            sandbox.set_purchase(&id, &plugin, status(version), Some(&version.to_string()));
            versions[user].done.store(version, SeqCst);
        }
    };
    (0..USERS).for_each(&set);
    let writer = tokio::spawn(async move {
        for turn in 0.. {
            set(turn % USERS);
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    });
    let client = Client::builder(sandbox.access_token())
        .base_url(sandbox.base_url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let (next, changed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let warm = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let askers = (0..IN_FLIGHT).map(|_| {
        let (client, plugin, versions) = (client.clone(), plugin.clone(), versions.clone());
        let (next, changed, warm) = (next.clone(), changed.clone(), warm.clone());
        let sandbox = sandbox.clone();
        tokio::spawn(async move {
            loop {
                let call = next.fetch_add(1, SeqCst);
                if call >= calls {
                    break;
                }
                // By then connections are open and the log of requests is full.
                if call == calls / 4 {
                    warm.store(memory("self"), SeqCst);
                }
                let (user, id) = (&versions[call % USERS], UserId::from((call % USERS) as u64));
                let oldest = user.done.load(SeqCst);
                let query = match call % 2 {
                    0 => PaymentQuery::by_user(id, plugin.clone()),
                    _ => PaymentQuery::by_token(sandbox.mint_token(&id, &plugin), plugin.clone()),
                };
                let payment = client.get_payments(query).await.unwrap();
                let newest = user.begun.load(SeqCst);
                let version: u64 = payment.date_of_purchase.unwrap().as_str().parse().unwrap();
                assert!((oldest..=newest).contains(&version), "{oldest} {version} {newest}");
                assert_eq!(payment.payment_status, status(version), "half of a change");
                changed.fetch_add(usize::from(oldest < newest), SeqCst);
            }
        })
    });
    for asker in askers.collect::<Vec<_>>() {
        asker.await.unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    writer.abort();
    let (warm, end) = (warm.load(SeqCst), memory("self"));
    println!(
        "load: {calls} calls, {IN_FLIGHT} in flight, {seconds:.1} s, no error; {} met a change; memory {warm} KiB after a quarter, {end} KiB at the end",
        changed.load(SeqCst),
    );
    assert!(changed.load(SeqCst) > calls / 1000, "nothing changed meanwhile");
    let log_was_full = calls / 4 > Figma::REMEMBERED;
    assert!(!log_was_full || end <= warm + 4096, "from {warm} to {end} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_writes_the_state_file_is_whole() {
    const USERS: usize = 100;
    let kills = size(200, 8);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("killed.json");
    let _ = std::fs::remove_file(&path);
    let versions: Arc<Vec<Versions>> = Arc::new((0..USERS).map(|_| Versions::default()).collect());
    let mut random = fastrand::Rng::with_seed(5);
    let (mut unfinished, mut acknowledged) = (0, 0);
    for kill in 0..kills {
        let mut program = Program::start(&["--state", path.to_str().unwrap()]);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (url, versions) = (program.base_url.clone(), versions.clone());
                tokio::spawn(async move { write_until_killed(&url, &versions, writer).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_micros(random.u64(1_000..60_000))).await;
        program.kill();
        for writer in writers {
            acknowledged += writer.await.unwrap();
        }
        unfinished += usize::from(path.with_extension("json.new").exists());
        let text = std::fs::read(&path).unwrap();
        let state: Value = serde_json::from_slice(&text)
            .unwrap_or_else(|error| panic!("torn by kill {kill}: {error}"));
        let mut kept = [0; USERS];
        for purchase in state["purchases"].as_array().unwrap() {
            let user: usize = purchase["user_id"].as_str().unwrap().parse().unwrap();
            kept[user] = version_of(purchase);
        }
        for (user, versions) in versions.iter().enumerate() {
            let (done, begun) = (versions.done.load(SeqCst), versions.begun.load(SeqCst));
            assert!((done..=begun).contains(&kept[user]), "kill {kill}: {done} {kept:?} {begun}");
            // What was not acknowledged may be lost, and then is never seen again.
            versions.done.store(kept[user], SeqCst);
        }
    }
    println!(
        "kills: {kills}, none torn, none of {acknowledged} acknowledged changes lost; {unfinished} kills met a write"
    );
    // A few kills may all come between two writes; of many, some do not.
    assert!(kills < 100 || unfinished > 10 && acknowledged > kills, "no kill met a write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_while_it_starts_leaves_the_state_file_what_it_had() {
    const KEPT: usize = 200;
    let starts = size(150, 15);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("starts.json");
    let kept: Vec<Value> = (0..KEPT).map(|user| purchase(user, 1)).collect();
    let before = json!({ "purchases": kept }).to_string();
    let port = free_port();
    let arguments = ["--port", &port.to_string(), "--state", path.to_str().unwrap()];
    for start in 0..starts {
        std::fs::write(&path, &before).unwrap();
        // One change only: another one would write the file anew.
        let change = purchase(KEPT, 1).to_string();
        let early = std::thread::spawn(move || set_as_soon_as_it_listens(port, &change));
        let program = Program::start_at_port(&arguments);
        let answer = tokio::task::spawn_blocking(|| early.join().unwrap()).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let listed = program.control("GET", "/purchases", Value::Null).await.json();
        assert_eq!(listed["purchases"].as_array().unwrap().len(), KEPT + 1, "start {start}");
        drop(program);
        let state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(state["purchases"].as_array().unwrap().len(), KEPT + 1, "start {start}");
    }
    println!("starts: {starts}, each with a change as soon as it listened, none lost");
}

/// A port that is known before the sandbox listens there. It is none of those
/// that connections leave from: one that is tried often enough connects to
/// itself.
fn free_port() -> u16 {
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(20_000..30_000)).find(free).unwrap()
}

/// The answer to a change that is sent with the first connection there is.
fn set_as_soon_as_it_listens(port: u16, purchase: &str) -> String {
    let length = purchase.len();
    let request = format!(
        "PUT /_sandbox/purchases HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{purchase}"
    );
    let connect = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
    let mut stream = std::iter::repeat_with(connect).flatten().next().unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A purchase that carries its version in its date, as a fraction of a second.
fn purchase(user: usize, version: u64) -> Value {
    let date = format!("2024-06-15T14:30:00.{version:09}Z");
    json!({ "user_id": user.to_string(), "plugin_id": "1", "payment_status": "PAID", "date_of_purchase": date })
}

fn version_of(purchase: &Value) -> u64 {
    let date = purchase["date_of_purchase"].as_str().unwrap();
    date.trim_start_matches("2024-06-15T14:30:00.").trim_end_matches('Z').parse().unwrap()
}

/// Changes purchases, each a new version, until nobody answers; gives the
/// number of changes that were acknowledged.
async fn write_until_killed(url: &str, versions: &[Versions], writer: usize) -> usize {
    let mut acknowledged = 0;
    for turn in 0.. {
        // No two writers have the same user.
        let user = (turn * 4 + writer) % versions.len();
        let version = versions[user].begun.fetch_add(1, SeqCst) + 1;
        let purchase = purchase(user, version).to_string();
        let answer = wire::send(url, "PUT", "/_sandbox/purchases", &[], &purchase).await;
        if !answer.is_ok_and(|answer| answer.status == 200) {
            break;
        }
        versions[user].done.store(version, SeqCst);
        acknowledged += 1;
    }
    acknowledged
}

/// The sandbox closes an idle connection by itself after this time; nobody has
/// to wait for that.
const IDLE_ENDS: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_requests_do_not_fill_the_memory() {
    let requests = size(3_000, 1_000);
    let program = Program::start(&[]);
    let (header, body) = ("h".repeat(20_000), "b".repeat(60_000));
    let before = memory(&program.id());
    for request in 0..requests {
        let (target, headers) = (format!("/{request}"), [("x-large", &*header)]);
        let answer = wire::send(&program.base_url, "PUT", &target, &headers, &body).await;
        assert_eq!(answer.unwrap().status, 404);
    }
    let grown = memory(&program.id()).saturating_sub(before) / 1024;
    let log = program.control("GET", "/requests", Value::Null).await.json();
    let kept = log["requests"].as_array().unwrap().len();
    println!("request log: {requests} requests of 80 KB, {kept} kept, {grown} MiB more resident");
    assert!(grown < 48, "{grown} MiB for a log of 16 MiB");
    assert_eq!(log["dropped"], requests - kept);
    // 16 MiB, less what a request takes beyond its 80 KB.
    assert!((190..=209).contains(&kept), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_keep_nobody_out() {
    let idle = size(10_000, 500);
    let program = Program::start(&["--no-limits"]);
    let address = program.base_url.trim_start_matches("http://").to_owned();
    let mut connections = Vec::new();
    for _ in 0..idle {
        connections.push(TcpStream::connect(&address).await.unwrap());
    }
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(program.ask("user_id=1&plugin_id=2").await.status, 200);
    }
    println!(
        "idle: {} connections, 100 questions answered in {} ms, {} KiB resident",
        connections.len(),
        begun.elapsed().as_millis(),
        memory(&program.id()),
    );
    assert!(begun.elapsed() < IDLE_ENDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_do_more_connections_than_it_has_file_descriptors() {
    let program = Program::start_with_descriptors(64);
    let address = program.base_url.trim_start_matches("http://").to_owned();
    let mut connections = Vec::new();
    for _ in 0..200 {
        connections.push(TcpStream::connect(&address).await.unwrap());
    }
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(program.ask("user_id=1&plugin_id=2").await.status, 200);
    }
    assert!(begun.elapsed() < IDLE_ENDS, "{:?}", begun.elapsed());
    assert_eq!(connections.len(), 200);
}
