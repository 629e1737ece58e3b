//! A property test: random histories over a simulated Figma and a simulated clock. All
//! that the cache returns is checked against a model of its rules (`model.rs`).
//!
//! With `FIGMA_PAYMENTS_DEEP` set, it runs many more histories. A history that breaks a
//! rule is shrunk and printed with its seed. `FIGMA_PAYMENTS_SEED` with that seed runs it
//! again, alone. The same seed gives the same history. But which entries are evicted from
//! a full memory depends on the memory's hasher, which cannot be seeded: it may take some
//! runs until a history fails again.

mod figma;
mod model;
mod question;
mod steps;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep_until;

use self::figma::{Counts, DEADLINE, Figma, RETRY_WAIT, TIME_GRID, TIMEOUT, payment};
use self::model::{Arrival, Method, Model, Outcome, Times};
use self::question::{Question, Subject, Token};
use self::steps::{Action, History, Pause, Reply, Step, UNBOUNDED, Variant, histories};
use super::Entitlements;
use crate::cache::entitlement::{Entitlement, Source};
use crate::client::Client;
use crate::client::retry::RetryPolicy;
use crate::model::credentials::PersonalAccessToken;
use crate::model::payment::PaymentStatus;

/// The first id of the users about whom no call asks.
const FIRST_OTHER_USER: u64 = 1_000_000;

const HOUR: Duration = Duration::from_secs(3600);

/// How many histories each test runs, by default and with `FIGMA_PAYMENTS_DEEP`.
const HISTORIES: u64 = 150;
const HISTORIES_DEEP: u64 = 34_000;

/// How often a history runs while it is shrunk, because eviction differs between runs.
const RUNS_TO_FAIL: usize = 12;

#[test]
fn no_history_returns_a_revoked_answer() {
    run_histories(Variant::Full);
}

#[test]
fn no_history_without_retries_returns_a_revoked_answer() {
    run_histories(Variant::WithoutRetries);
}

#[test]
fn no_history_without_eviction_returns_a_revoked_answer() {
    run_histories(Variant::WithoutEviction);
}

/// Without eviction, which differs between runs.
#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in 1..20 {
        let first = draw(Variant::WithoutEviction, seed).current();
        let second = draw(Variant::WithoutEviction, seed).current();
        assert_eq!(format!("{first:?}"), format!("{second:?}"));
        assert_eq!(run(&first), run(&second), "seed {seed}");
    }
}

/// Draws histories and runs them, on all cores.
fn run_histories(variant: Variant) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let given_seed = number("FIGMA_PAYMENTS_SEED");
    let count = match std::env::var_os("FIGMA_PAYMENTS_DEEP") {
        _ if given_seed.is_some() => 1,
        Some(_) => HISTORIES_DEEP,
        None => HISTORIES,
    };
    let start = given_seed.unwrap_or(1);
    let end = start + count;
    let next_seed = AtomicU64::new(start);
    let work = || {
        let mut total = Counts::default();
        loop {
            let seed = next_seed.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return total;
            }
            match run(&draw(variant, seed).current()) {
                Ok(counts) => total.add(counts),
                Err(violation) => {
                    // Only the first thread that finds a violation reports it.
                    let stopped = u64::MAX / 2;
                    let is_first = next_seed.swap(stopped, Ordering::Relaxed) < stopped;
                    assert!(!is_first, "{}", report(variant, seed, &violation));
                    return total;
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let began = std::time::Instant::now();
    let mut total = Counts::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            total.add(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    let Counts { steps, answers, grants_from_memory, stale, missed } = total;
    println!(
        "{variant:?}: {count} histories of {steps} steps, {answers} answers checked, \
         {grants_from_memory} grants from memory, {stale} stale ones, {missed} missed, \
         seeds {} to {}, {:.1} s",
        start,
        end - 1,
        began.elapsed().as_secs_f64(),
    );
    assert!(answers > 0);
}

fn draw(variant: Variant, seed: u64) -> impl ValueTree<Value = History> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { failure_persistence: None, ..Config::default() };
    histories(variant).new_tree(&mut TestRunner::new_with_rng(config, rng)).unwrap()
}

/// Shrinks the history for as long as it fails, and describes it.
fn report(variant: Variant, seed: u64, violation: &str) -> String {
    let mut tree = draw(variant, seed);
    let mut smallest = tree.current();
    eprintln!("FIGMA_PAYMENTS_SEED={seed} breaks a rule, and is being shrunk: {violation}");
    let always_fails = (0..RUNS_TO_FAIL).all(|_| run(&smallest).is_err());
    let runs = if always_fails { 1 } else { RUNS_TO_FAIL };
    let fails = |history: &History| (0..runs).any(|_| run(history).is_err());
    let mut goes_on = tree.simplify();
    while goes_on {
        let history = tree.current();
        goes_on = match fails(&history) {
            true => {
                smallest = history;
                tree.simplify()
            }
            false => tree.complicate(),
        };
    }
    let smaller = |history: &History| without_a_step(history).find(fails);
    while let Some(history) = smaller(&smallest) {
        smallest = history;
    }
    let log = (0..RUNS_TO_FAIL * 4).find_map(|_| run_with_log(&smallest).err());
    let log = log.unwrap_or_else(|| format!("it did not fail again; at first: {violation}"));
    format!(
        "a history breaks a rule ({variant:?}, FIGMA_PAYMENTS_SEED={seed})\n\n{smallest:?}\n\n{log}\n"
    )
}

/// The history without one of its steps, the last one first. Each with and without the
/// time before that step.
fn without_a_step(history: &History) -> impl Iterator<Item = History> + use<'_> {
    (0..history.steps.len()).rev().flat_map(move |step| {
        let mut shorter = history.clone();
        let removed = shorter.steps.remove(step);
        let mut as_long = shorter.clone();
        if let Pause::Millis(before) = removed.pause
            && let Some(Step { pause: Pause::Millis(millis), .. }) = as_long.steps.get_mut(step)
        {
            *millis = millis.next_multiple_of(TIME_GRID as u32) + before;
        }
        [shorter, as_long]
    })
}

/// Runs a history. The error says which rule it breaks.
fn run(history: &History) -> Result<Counts, String> {
    run_on_a_simulated_clock(history, false)
}

/// Like [`run`], and the error also has a log.
fn run_with_log(history: &History) -> Result<Counts, String> {
    run_on_a_simulated_clock(history, true)
}

fn run_on_a_simulated_clock(history: &History, with_log: bool) -> Result<Counts, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(run_steps(history, with_log))
}

/// One run of a history.
struct Run {
    figma: Figma,
    entitlements: Entitlements,
    capacity: u64,
    calls: Vec<JoinHandle<()>>,
}

async fn run_steps(history: &History, with_log: bool) -> Result<Counts, String> {
    let stale = if history.stale { HOUR } else { Duration::ZERO };
    let times = Times {
        paid: Duration::from_secs(600),
        trial: Duration::from_secs(120),
        unpaid: Duration::from_secs(10),
        stale,
        refused: Duration::from_secs(10),
        deadline: DEADLINE,
    };
    let unbounded = history.capacity == UNBOUNDED;
    let model = Model { times, unbounded, events: Vec::new() };
    let figma = Figma::new(model, history.initial_status.clone(), with_log);
    let entitlements = Entitlements::builder(client(&figma, history.retries))
        .stale_if_error(stale)
        .max_entries(history.capacity)
        .build();
    let mut run = Run { figma, entitlements, capacity: history.capacity, calls: Vec::new() };
    for step in &history.steps {
        run.step(step).await;
    }
    run.end().await;
    let mut state = run.figma.lock();
    state.counts.steps = history.steps.len();
    match state.violation.take() {
        None => Ok(state.counts),
        Some(violation) => Err(match state.log.take() {
            Some(log) => format!("{}\n\n{violation}", log.join("\n")),
            None => violation,
        }),
    }
}

/// A client of the simulated Figma. All histories share one HTTP client, which is never
/// used, because it takes long to build.
fn client(figma: &Figma, retries: bool) -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let token = PersonalAccessToken::new("figd_simulated").unwrap();
        Client::builder(token).timeout(TIMEOUT).deadline(DEADLINE).build().unwrap()
    });
    let retry = match retries {
        true => RetryPolicy::default().backoff(RETRY_WAIT, RETRY_WAIT).random(|| 1.0),
        false => RetryPolicy::none(),
    };
    let figma = figma.clone();
    client.simulated(
        retry,
        std::sync::Arc::new(move |query| Box::pin(figma.clone().answer(Question::of(&query)))),
    )
}

impl Run {
    async fn step(&mut self, step: &Step) {
        match step.pause {
            Pause::None => {}
            Pause::Yields(times) => {
                for _ in 0..times {
                    yield_now().await;
                }
            }
            Pause::Millis(millis) => {
                let time = self.figma.lock().step_time(millis);
                sleep_until(time).await;
            }
        }
        match &step.action {
            Action::Ask { method, question, plan } => {
                if let Some(plan) = plan {
                    self.figma.lock().plans.push_front(plan.clone());
                }
                self.ask(*method, *question);
            }
            Action::PlanNextRequest(plan) => self.figma.lock().plans.push_back(plan.clone()),
            Action::SetDefaultReply(reply) => self.figma.lock().default_reply = reply.clone(),
            Action::SetStatus(subject, status) => {
                let mut state = self.figma.lock();
                state.log(|| format!("{subject} become {status}"));
                state.statuses.insert(*subject, status.clone());
            }
            Action::Invalidate(subject) => {
                let user = subject.user_id();
                let resource = subject.resource();
                self.entitlements.invalidate(&user, &resource).await.unwrap();
                let mut state = self.figma.lock();
                state.record(*subject, Outcome::Invalidated);
                state.log(|| format!("{subject} are invalidated"));
            }
            Action::Prime(subject, status) => {
                let outcome = Outcome::Status(status.clone());
                let event = self.figma.lock().record(*subject, outcome.clone());
                self.entitlements.prime(payment(*subject, status.clone(), event)).await;
                let mut state = self.figma.lock();
                let now = state.now();
                let primed = &mut state.model.events[event];
                primed.sent = now;
                primed.arrival = Some(Arrival { when: now, outcome });
                state.log(|| format!("{subject} are primed as {event} with {status}"));
            }
            Action::PrimeOthers(_) if self.capacity == UNBOUNDED => {}
            Action::PrimeOthers(count) => self.prime_others(*count).await,
            Action::DropCall(index) => {
                self.calls.retain(|call| !call.is_finished());
                if !self.calls.is_empty() {
                    let index = usize::from(*index) % self.calls.len();
                    self.calls.swap_remove(index).abort();
                    self.figma.lock().log(|| "a call is dropped".to_owned());
                }
            }
        }
    }

    fn ask(&mut self, method: Method, question: Question) {
        let figma = self.figma.clone();
        let entitlements = self.entitlements.clone();
        self.calls.push(tokio::spawn(async move {
            ask(&figma, &entitlements, method, question).await;
        }));
    }

    /// Primes answers about other users, which take up room in memory.
    async fn prime_others(&self, count: u8) {
        // One more than memory has room for, so that each is primed again and again.
        let users = self.capacity + 1;
        for number in 0..u64::from(count) {
            let mut other =
                payment(Subject { user: 0, resource: 0 }, PaymentStatus::Paid, usize::MAX);
            other.user_id = (FIRST_OTHER_USER + number % users).to_string();
            self.entitlements.prime(other).await;
        }
    }

    /// Checks that every call has ended by its deadline. Later, when Figma has no faults and
    /// all entries are too old, each question must get the true status, with one request.
    async fn end(&mut self) {
        let after_deadlines = self.figma.lock().step_time(60_000);
        sleep_until(after_deadlines).await;
        for call in self.calls.drain(..) {
            let violation = match call.is_finished() {
                false => "a call never ends".to_owned(),
                true => match call.await {
                    Err(error) if error.is_panic() => format!("a call panicked: {error}"),
                    _ => continue,
                },
            };
            self.figma.lock().record_violation(violation);
        }
        let much_later = {
            let mut state = self.figma.lock();
            state.log(|| "Figma has no faults any more".to_owned());
            state.plans.clear();
            state.default_reply = Reply::TrueStatus;
            state.step_time(3 * 3_600_000)
        };
        sleep_until(much_later).await;
        for subject in [Subject { user: 0, resource: 0 }, Subject { user: 1, resource: 1 }] {
            let token = Token { subject, number: 0 };
            let resource = Some(subject.resource);
            let by_token = Question { token: Some(token), user: None, resource };
            for question in [Question::by_user(subject), by_token] {
                self.check_true_status(question).await;
            }
        }
    }

    async fn check_true_status(&self, question: Question) {
        let true_status = self.figma.lock().true_status(question.subject());
        let mut before = self.figma.lock().requests;
        let entitlement = ask(&self.figma, &self.entitlements, Method::Get, question).await;
        let status = entitlement.map(|it| it.payment.payment_status.clone());
        let mut requests = || {
            let now = self.figma.lock().requests;
            now - std::mem::replace(&mut before, now)
        };
        if status.as_ref() != Some(&true_status) || requests() > 1 {
            return self.figma.lock().record_violation(format!(
                "at the end, `get` {question} returns {status:?}, but the true status is {true_status}"
            ));
        }
        let unbounded = self.figma.lock().model.unbounded;
        let again = ask(&self.figma, &self.entitlements, Method::Get, question).await;
        let cached = again.is_some_and(|it| it.source == Source::Cached);
        let requests = requests();
        if requests > 1 || (unbounded && !(cached && requests == 0)) {
            self.figma.lock().record_violation(format!(
                "at the end, a second `get` {question} takes {requests} requests"
            ));
        }
    }
}

async fn ask(
    figma: &Figma,
    entitlements: &Entitlements,
    method: Method,
    question: Question,
) -> Option<Entitlement> {
    let call = figma.lock().begin_call(method, question);
    let query = question.query();
    let result = match method {
        Method::Get => entitlements.get(query).await.map_err(|error| error.kind()).map(Some),
        Method::GetFresh => {
            entitlements.get_fresh(query).await.map_err(|error| error.kind()).map(Some)
        }
        Method::GetCached => Ok(entitlements.get_cached(query).await),
    };
    figma.lock().end_call(&call, &result);
    result.ok().flatten()
}
