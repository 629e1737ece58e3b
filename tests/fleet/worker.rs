//! A process of the fleet: it shares by a Redis, asks what it is told to ask, and reports
//! what came of it. `fleet::protocol` says how. It ends when its input ends.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io::{self, BufRead, Write};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use figma_payments::{
    Client, Entitlements, Error, PaymentInformation, PaymentQuery, PersonalAccessToken,
    PluginPaymentToken, RateLimits, Resource, RetryPolicy, UserId,
};
use fleet::figma::{PLUGIN, When};
use fleet::protocol::{Answer, Failure, How, Load, Order, Question, Report, Settings};
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing_subscriber::filter::LevelFilter as Level;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut lines = lines();
    let settings = lines.recv().await.expect("the first line has the settings");
    let settings: Settings = serde_json::from_str(&settings).expect("settings are JSON");
    let level = if settings.logs_all { Level::TRACE } else { Level::INFO };
    let log = tracing_subscriber::fmt().with_max_level(level);
    log.with_writer(io::stderr).with_ansi(false).init();
    let process = match Process::new(&settings).await {
        Ok(process) => process,
        Err(error) => return report(0, &Report::Refused(failure(&error))),
    };
    report(0, &Report::Ready);
    while let Some(line) = lines.recv().await {
        let (number, order): (u64, Order) = serde_json::from_str(&line).expect("an order is JSON");
        let process = process.clone();
        tokio::spawn(async move { process.obey(number, order).await });
    }
}

/// The lines of the input.
fn lines() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn report(number: u64, report: &Report) {
    let line = serde_json::to_string(&(number, report)).expect("a report is JSON");
    let mut output = io::stdout().lock();
    // Whoever started this process may be gone.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn failure(error: &Error) -> Failure {
    Failure {
        kind: error.kind().to_string(),
        message: error.to_string(),
        attempts: error.attempts(),
    }
}

#[derive(Clone)]
struct Process {
    client: Client,
    entitlements: Entitlements,
}

impl Process {
    async fn new(settings: &Settings) -> Result<Self, Error> {
        let mut limits = RateLimits::default().by_user(settings.per_minute);
        if let Some(burst) = settings.burst {
            limits = limits.by_user_burst(burst);
        }
        let mut builder = Client::builder(PersonalAccessToken::new(&settings.access_token)?)
            .base_url(&settings.base_url)
            .user_agent(&settings.name)
            .deadline(Duration::from_millis(settings.deadline_ms))
            .timeout(Duration::from_millis(settings.deadline_ms))
            .retry(RetryPolicy::default().max_attempts(settings.max_attempts))
            .rate_limits(limits);
        if let Some(shared) = &settings.redis {
            builder = builder.shared(store(shared).await?);
        }
        let client = builder.build()?;
        let entitlements = Entitlements::builder(client.clone())
            .paid_ttl(Duration::from_millis(settings.paid_ttl_ms))
            .unpaid_ttl(Duration::from_millis(settings.unpaid_ttl_ms))
            .max_entries(2_000_000)
            .build();
        Ok(Process { client, entitlements })
    }

    async fn obey(&self, number: u64, order: Order) {
        let reported = match order {
            Order::Ask { how, question } => match self.ask(how, &query(&question)).await {
                Some(answer) => Report::Answer(answer),
                None => Report::Nothing,
            },
            Order::AskTogether { callers, how, question } => {
                let asked = || report(number, &Report::Asked);
                Report::Load(self.ask_together(callers, how, question, asked).await)
            }
            Order::Load { callers, how, first_user, users, for_ms, rest_ms } => {
                let until = Instant::now() + Duration::from_millis(for_ms);
                let caller = |_| {
                    tokio::spawn(self.clone().call_until(until, how, (first_user, users), rest_ms))
                };
                Report::Load(merged((0..callers).map(caller).collect()).await)
            }
            Order::Batch { first_user, users } => {
                Report::Load(self.batch(first_user..first_user + users).await)
            }
            Order::Invalidate { user } => {
                let done = self.entitlements.invalidate(&UserId::from(user), &plugin()).await;
                Report::Done(done.map_err(|error| failure(&error)))
            }
            Order::Prime { first_user, users, status, age_ms } => {
                self.prime(first_user..first_user + users, &status, age_ms).await;
                Report::Done(Ok(()))
            }
            Order::Count => Report::Counts(self.counts()),
        };
        report(number, &reported);
    }

    async fn ask(&self, how: How, query: &PaymentQuery) -> Option<Result<Answer, Failure>> {
        let begin = Instant::now();
        let answered = match how {
            How::Call => {
                self.client.get_payments(query).await.map(|payment| (Arc::new(payment), "call"))
            }
            How::Get | How::Fresh | How::Cached => {
                let entitlement = match how {
                    How::Get => self.entitlements.get(query).await,
                    How::Fresh => self.entitlements.get_fresh(query).await,
                    _ => Ok(self.entitlements.get_cached(query).await?),
                };
                entitlement.map(|it| (it.payment, it.source.as_str()))
            }
        };
        let micros = begin.elapsed().as_micros() as u64;
        Some(answered.map_err(|error| failure(&error)).map(|(payment, source)| Answer {
            status: payment.payment_status.as_str().to_owned(),
            grants_access: payment.grants_access(),
            source: source.to_owned(),
            date: payment.date_of_purchase.as_ref().map_or("", |date| date.as_str()).to_owned(),
            micros,
        }))
    }

    /// Says when all callers wait: each has been polled once, and is either answered or
    /// waits for something.
    async fn ask_together(
        &self,
        callers: usize,
        how: How,
        question: Question,
        asked: impl FnOnce(),
    ) -> Load {
        let polled = Arc::new(watch::Sender::new(0));
        let calls: Vec<_> = (0..callers)
            .map(|_| {
                let (process, polled) = (self.clone(), Arc::clone(&polled));
                let query = query(&question);
                tokio::spawn(async move {
                    let mut load = Load::default();
                    let begin = micros_since_1970();
                    let call = process.ask(how, &query);
                    count(&mut load, begin, saying_when_polled(call, &polled).await);
                    load
                })
            })
            .collect();
        // It fails only if all senders are dropped.
        let _ = polled.subscribe().wait_for(|polled| *polled == callers).await;
        asked();
        merged(calls).await
    }

    /// Asks about users at random, one after the other.
    async fn call_until(
        self,
        until: Instant,
        how: How,
        (first_user, users): (u64, u64),
        rest_ms: u64,
    ) -> Load {
        let mut load = Load::default();
        while Instant::now() < until {
            let user = first_user + fastrand::u64(0..users);
            let begin = micros_since_1970();
            count(&mut load, begin, self.ask(how, &query(&Question::User(user))).await);
            tokio::time::sleep(Duration::from_millis(rest_ms)).await;
        }
        load
    }

    async fn batch(&self, users: std::ops::Range<u64>) -> Load {
        let mut load = Load::default();
        let queries = stream::iter(users.map(|user| query(&Question::User(user))));
        let mut answers = pin!(self.client.get_payments_all(queries));
        while let Some((_, answered)) = answers.next().await {
            match answered {
                Ok(payment) => add(&mut load.statuses, payment.payment_status.as_str()),
                Err(error) => add(&mut load.errors, &error.to_string()),
            }
        }
        load
    }

    async fn prime(&self, users: std::ops::Range<u64>, status: &str, age_ms: u64) {
        let checked_at = SystemTime::now() - Duration::from_millis(age_ms);
        let prime = |user| {
            let payment = PaymentInformation::new(&UserId::from(user), &plugin(), status.into());
            self.entitlements.prime_at(payment, checked_at)
        };
        stream::iter(users).map(prime).buffer_unordered(256).collect::<()>().await;
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        let (calls, cache) = (self.client.counters(), self.entitlements.counters());
        let counts = [
            ("calls", calls.calls),
            ("retries", calls.retries),
            ("rate_limited", calls.rate_limited),
            ("hits", cache.hits),
            ("misses", cache.misses),
            ("coalesced", cache.coalesced),
        ];
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }
}

async fn store(shared: &fleet::protocol::Shared) -> Result<figma_payments::RedisStore, Error> {
    use figma_payments::RedisStore;
    let mut builder = RedisStore::builder(&shared.url).namespace(&shared.namespace);
    if let Some(secret) = &shared.secret {
        builder = builder.sealed(secret);
    }
    if let Some(timeout) = shared.timeout_ms {
        builder = builder.timeout(Duration::from_millis(timeout));
    }
    if let Some(share) = shared.fallback_share {
        builder = builder.fallback_share(share);
    }
    if let Some(replicas) = shared.replicas {
        builder = builder.replicas(replicas);
    }
    for node in &shared.nodes {
        builder = builder.node(node);
    }
    if let Some(master) = &shared.sentinel {
        builder = builder.sentinel(master);
    }
    if let Some(certificates) = &shared.root_certificates {
        builder = builder.root_certificates(certificates);
    }
    builder.connect().await
}

fn plugin() -> Resource {
    Resource::plugin(PLUGIN).expect("it is the id of a plugin")
}

fn query(question: &Question) -> PaymentQuery {
    match question {
        Question::User(user) => PaymentQuery::by_user(UserId::from(*user), plugin()),
        Question::Token(token) => {
            let token = PluginPaymentToken::new(token).expect("the test's token can be sent");
            PaymentQuery::by_token(token, plugin())
        }
    }
}

/// What all of them came to.
async fn merged(calls: Vec<JoinHandle<Load>>) -> Load {
    let mut all = Load::default();
    for call in calls {
        all.merge(&call.await.expect("no caller panics"));
    }
    all
}

async fn saying_when_polled<F: Future>(future: F, polled: &watch::Sender<usize>) -> F::Output {
    let mut future = pin!(future);
    let mut is_first = true;
    poll_fn(|context| {
        let outcome = future.as_mut().poll(context);
        if std::mem::take(&mut is_first) {
            polled.send_modify(|polled| *polled += 1);
        }
        outcome
    })
    .await
}

/// Counts an answer to a call that began then.
fn count(load: &mut Load, begin: u64, answered: Option<Result<Answer, Failure>>) {
    let answer = match answered {
        Some(Ok(answer)) => answer,
        Some(Err(Failure { kind, message, .. })) => {
            return add(&mut load.errors, &format!("{kind}: {message}"));
        }
        None => return add(&mut load.sources, "nothing"),
    };
    load.times.add(Duration::from_micros(answer.micros));
    add(&mut load.sources, &answer.source);
    add(&mut load.statuses, &answer.status);
    if let Some(when) = When::parse(&answer.date).filter(|_| answer.grants_access) {
        load.oldest_ms = load.oldest_ms.max(begin.saturating_sub(when.micros) / 1000);
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str) {
    *counts.entry(name.to_owned()).or_default() += 1;
}

fn micros_since_1970() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.unwrap_or_default().as_micros() as u64
}
