//! Many calls at once, and calls that are given up: an outage is not doubled,
//! nothing is lost, nothing stays behind. A test program of its own: thousands of
//! calls at once would make tests late that look at the clock.
#![cfg(feature = "sandbox")]

#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use figma_payments::sandbox::{Gate, Reply, ScriptedServer, Step};
use figma_payments::{
    Client, Error, ErrorKind, PaymentInformation, PaymentQuery, PersonalAccessToken,
    PluginPaymentToken, RetryPolicy, UserId,
};
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use support::{access_token, builder, by_user, paid, plugin};

fn impatient() -> RetryPolicy {
    RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(4))
}

fn good() -> Reply {
    Reply::json(200, paid().to_string())
}

#[tokio::test]
async fn an_outage_is_not_doubled_and_recovery_is_immediate() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let server = ScriptedServer::start(move |_| match is_down.load(Ordering::Relaxed) {
        true => Reply::json(500, ""),
        false => good(),
    });
    let server = server.await.unwrap();
    let client = builder(&server).retry(impatient()).build().unwrap();

    let ask = |_| async { client.get_payments(by_user()).await };
    let outcomes: Vec<_> = stream::iter(0..1000).map(ask).buffer_unordered(32).collect().await;
    assert!(outcomes.iter().all(Result::is_err));
    let requests = server.requests().len();
    println!("outage: 1000 calls, {requests} requests");
    assert!(requests <= 1300, "{requests} requests");
    assert_eq!(requests as u64, 1000 + client.counters().retries);

    down.store(false, Ordering::Relaxed);
    for _ in 0..100 {
        client.get_payments(by_user()).await.unwrap();
    }
    assert_eq!(server.requests().len(), requests + 100, "one request each");

    // With what the successes gave back, a single failure is retried again.
    let hiccup = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |_| match hiccup.fetch_add(1, Ordering::Relaxed) {
        6 => Reply::json(500, ""),
        _ => good(),
    });
    let server = server.await.unwrap();
    let client = builder(&server).retry(impatient().budget(1)).build().unwrap();
    for _ in 0..8 {
        client.get_payments(by_user()).await.unwrap();
    }
    assert_eq!(client.counters().retries, 1);
}

/// Polls until the future has been pending `times` times, then drops it.
async fn pending_at_most<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut pending = 0;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if pending == times => Poll::Ready(None),
        Poll::Pending => {
            pending += 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_can_be_dropped_at_every_await() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let body = paid().to_string();
    let pause = Duration::from_millis(2);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len());
    // A failure, a wait, a slow head, a body in pieces: an await at each.
    let slow = Reply::script([
        Step::send(head),
        Step::Wait(pause),
        Step::send("\r\n"),
        Step::Wait(pause),
        Step::send(body[..30].to_owned()),
        Step::Wait(pause),
        Step::send(body[30..].to_owned()),
    ]);
    let seen = Mutex::new(HashMap::new());
    let server = ScriptedServer::start(move |request| {
        if request.target.contains("user_id") {
            return good();
        }
        let mut seen = seen.lock().unwrap();
        let times = seen.entry(request.target.clone()).or_insert(0);
        *times += 1;
        match times {
            1 => Reply::json(503, "").after(pause),
            _ => slow.clone(),
        }
    });
    let server = server.await.unwrap();
    let client = builder(&server).retry(impatient().budget(u32::MAX)).build().unwrap();

    let mut dropped = 0;
    let mut completed = 0;
    for times in 0..60 {
        let token = PluginPaymentToken::new(format!("ppt_{times}")).unwrap();
        let query = PaymentQuery::by_token(token, plugin());
        match pending_at_most(client.get_payments(query), times).await {
            None => dropped += 1,
            Some(outcome) => {
                outcome.unwrap();
                completed += 1;
            }
        }
        client.get_payments(by_user()).await.unwrap();
    }
    println!("dropped at {dropped} awaits, completed {completed} times");
    assert!(dropped >= 4, "dropped {dropped} times");
    assert!(completed >= 5, "completed {completed} times");

    drop((client, server));
    for _ in 0..1000 {
        if metrics.num_alive_tasks() == before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{} tasks stay behind", metrics.num_alive_tasks() - before);
}

/// What the server did to a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Good,
    Status(u16),
    Reset,
    Cut,
    Hang,
}

impl Deed {
    /// One in three fails, in one of eight ways.
    fn draw(random: &mut fastrand::Rng) -> Deed {
        match random.u16(0..300) {
            0..200 => Deed::Good,
            200..220 => Deed::Status(500),
            220..235 => Deed::Status(503),
            235..245 => Deed::Status(408),
            245..255 => Deed::Status(429),
            255..260 => Deed::Status(403),
            260..280 => Deed::Reset,
            280..299 => Deed::Cut,
            _ => Deed::Hang,
        }
    }

    fn reply(self, user: &str) -> Reply {
        let mut body = paid();
        body["meta"]["user_id"] = json!(user);
        let body = body.to_string();
        match self {
            Deed::Good => Reply::json(200, body),
            Deed::Status(status) => Reply::json(status, ""),
            Deed::Reset => Reply::script([Step::Reset]),
            Deed::Cut => Reply::script([Step::send(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}",
                body.len(),
                &body[..body.len() / 2]
            ))]),
            Deed::Hang => Reply::script([Step::Hang]),
        }
    }

    /// Whether this is what a caller gets whose last request met this deed.
    fn explains(self, outcome: &Result<PaymentInformation, Error>) -> bool {
        use ErrorKind::*;
        match (self, outcome.as_ref().map_err(|error| error.kind())) {
            (Deed::Good, Ok(payment)) => payment.grants_access(),
            (Deed::Status(500 | 503), Err(Server)) => true,
            (Deed::Status(408), Err(Timeout)) => true,
            (Deed::Status(429), Err(RateLimited)) => true,
            (Deed::Status(403), Err(Forbidden)) => true,
            (Deed::Reset | Deed::Cut, Err(Transport)) => true,
            (Deed::Hang, Err(Timeout)) => true,
            _ => false,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_one_of_10_000_calls_is_accounted_for() {
    const CALLS: u64 = 10_000;
    type Log = HashMap<String, Vec<Deed>>;
    let log: Arc<Mutex<(fastrand::Rng, Log)>> =
        Arc::new(Mutex::new((fastrand::Rng::with_seed(3), Log::new())));
    let book = Arc::clone(&log);
    let server = ScriptedServer::start(move |request| {
        let user = request.target.split("user_id=").nth(1).unwrap();
        let user = user.split('&').next().unwrap();
        let (random, log) = &mut *book.lock().unwrap();
        let deed = Deed::draw(random);
        log.entry(user.to_owned()).or_default().push(deed);
        deed.reply(user)
    });
    let server = server.await.unwrap();
    let client = builder(&server)
        .retry(impatient().budget(1_000))
        .timeout(Duration::from_secs(4))
        .deadline(Duration::from_secs(30))
        .build()
        .unwrap();

    let outcomes: Vec<_> =
        stream::iter(0..CALLS)
            .map(|user| {
                let client = client.clone();
                let query = PaymentQuery::by_user(UserId::from(user), plugin());
                async move {
                    (user, tokio::spawn(async move { client.get_payments(query).await }).await)
                }
            })
            .buffer_unordered(256)
            .collect()
            .await;

    assert_eq!(outcomes.len() as u64, CALLS);
    let log = &log.lock().unwrap().1;
    let mut answers = 0;
    let mut requests = 0;
    for (user, outcome) in outcomes {
        let outcome = outcome.unwrap();
        let deeds = &log[&user.to_string()];
        requests += deeds.len() as u64;
        answers += u64::from(outcome.is_ok());
        assert!(deeds.last().unwrap().explains(&outcome), "user {user}: {deeds:?} {outcome:?}");
        if let Err(error) = &outcome {
            assert_eq!(error.attempts() as usize, deeds.len(), "user {user}");
        }
    }
    let counters = client.counters();
    println!("{CALLS} calls, {requests} requests, {} retries, {answers} answers", counters.retries);
    assert_eq!(counters.calls, CALLS);
    assert_eq!(requests, CALLS + counters.retries);
    assert_eq!(server.requests().len() as u64, requests);
    let limited = log.values().flatten().filter(|deed| **deed == Deed::Status(429)).count();
    assert_eq!(counters.rate_limited, limited as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_token_is_used_whole_by_every_later_call() {
    // The first calls are answered, others are under way when the token changes,
    // and the rest comes after it.
    const AT_ONCE: usize = 64;
    const ANSWERED: usize = 100;
    let gate = Gate::new();
    let held = gate.clone();
    let asked = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |request| {
        let own = request.target.contains("user_id=7");
        match own || asked.fetch_add(1, Ordering::SeqCst) < ANSWERED {
            true => good(),
            false => good().behind(&held),
        }
    });
    let server = server.await.unwrap();
    let client = builder(&server).build().unwrap();
    let old = support::ACCESS_TOKEN;
    let new = "figd_new";

    let ask = |_| {
        let client: Client = client.clone();
        async move { client.get_payments(by_user()).await.unwrap() }
    };
    let in_flight = stream::iter(0..640).map(ask).buffer_unordered(AT_ONCE).collect::<Vec<_>>();
    let replaced = async {
        server.arrived(ANSWERED + AT_ONCE).await;
        client.set_access_token(PersonalAccessToken::new(new).unwrap()).unwrap();
        // In another order than the calls above, so that these are told apart.
        let own = PaymentQuery::by_user(UserId::from(7), plugin());
        let error = client.get_payments(own).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        gate.open();
    };
    let (answers, ()) = tokio::join!(in_flight, replaced);
    assert_eq!(answers.len(), 640);

    let requests = server.requests();
    let token = |request: &figma_payments::sandbox::Request| {
        request.headers["x-figma-token"].to_str().unwrap().to_owned()
    };
    let with = |wanted: &str| requests.iter().filter(|request| token(request) == wanted).count();
    assert_eq!((with(old), with(new)), (ANSWERED + AT_ONCE, 640 - ANSWERED - AT_ONCE + 1));
    assert_eq!(with(old) + with(new), requests.len(), "no other token");
    let own = requests.iter().find(|request| request.target.contains("user_id=7")).unwrap();
    assert_eq!(token(own), new);

    let after = server.requests().len();
    for _ in 0..64 {
        client.get_payments(by_user()).await.unwrap();
    }
    assert!(server.requests()[after..].iter().all(|request| token(request) == new));
    assert_ne!(format!("{:?}", access_token()), old);
}
