//! Histories drawn at random, over a simulated Figma and a simulated clock, and
//! what the cache hands out in them held against a model of the rules.
//!
//! `FIGMA_PAYMENTS_DEEP` draws many more. A history that breaks a rule is made
//! smaller and told; `FIGMA_PAYMENTS_SEED` with the seed that it prints draws it
//! again, alone. The same seed draws the same history. What has to give way in a
//! full memory is up to the hasher of the memory, which no test can seed: a
//! history that fails may need a few runs to fail again.

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

use self::figma::{Checked, DEADLINE, Figma, RETRY_AFTER, RHYTHM, TIMEOUT, payment};
use self::model::{Arrived, Method, Said, Times};
use self::question::{Question, Subject, Token};
use self::steps::{Deed, History, Pause, ROOMY, Reply, Scope, Step, histories};
use super::Entitlements;
use crate::cache::entitlement::{Entitlement, Source};
use crate::client::Client;
use crate::client::retry::RetryPolicy;
use crate::model::credentials::PersonalAccessToken;
use crate::model::payment::PaymentStatus;

/// The first id of those whom nobody asks about.
const STRANGERS: u64 = 1_000_000;

const HOUR: Duration = Duration::from_secs(3600);

/// Histories in an ordinary run and in a deep one, for each test.
const FEW: u64 = 150;
const MANY: u64 = 34_000;

/// How often a history is lived through when it is made smaller, as what gives
/// way in a full memory differs.
const TRIES: usize = 12;

#[test]
fn no_history_gives_away_what_was_taken_back() {
    hold(Scope::All);
}

#[test]
fn no_history_without_retries_gives_away_what_was_taken_back() {
    hold(Scope::WithoutRetries);
}

#[test]
fn no_history_with_room_for_all_gives_away_what_was_taken_back() {
    hold(Scope::Roomy);
}

/// With room for all, where no hasher has a say.
#[test]
fn the_same_seed_has_the_same_history() {
    for seed in 1..20 {
        let one = drawn(Scope::Roomy, seed).current();
        let other = drawn(Scope::Roomy, seed).current();
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        assert_eq!(lived(&one), lived(&other), "seed {seed}");
    }
}

/// Draws histories and lives through them, on all cores.
fn hold(scope: Scope) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("FIGMA_PAYMENTS_SEED");
    let count = match std::env::var_os("FIGMA_PAYMENTS_DEEP") {
        _ if first.is_some() => 1,
        Some(_) => MANY,
        None => FEW,
    };
    let start = first.unwrap_or(1);
    let end = start + count;
    let next = AtomicU64::new(start);
    let work = || {
        let (mut sum, mut steps) = (Checked::default(), 0);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return (sum, steps);
            }
            let history = drawn(scope, seed).current();
            steps += history.steps.len();
            match lived(&history) {
                Ok(checked) => sum.add(checked),
                Err(why) => {
                    let first = next.swap(u64::MAX / 2, Ordering::Relaxed) < u64::MAX / 2;
                    assert!(!first, "{}", report(scope, seed, &why));
                    return (sum, steps);
                }
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let began = std::time::Instant::now();
    let (mut sum, mut steps) = (Checked::default(), 0);
    std::thread::scope(|threads| {
        let workers: Vec<_> = (0..workers).map(|_| threads.spawn(work)).collect();
        for worker in workers {
            let (checked, taken) =
                worker.join().unwrap_or_else(|why| std::panic::resume_unwind(why));
            sum.add(checked);
            steps += taken;
        }
    });
    let Checked { answers, yeses_from_memory, stale, lost } = sum;
    println!(
        "{scope:?}: {count} histories of {steps} steps, {answers} answers checked, \
         {yeses_from_memory} yeses from memory, {stale} stale ones, {lost} lost to eviction, \
         seeds {} to {}, {:.1} s",
        start,
        end - 1,
        began.elapsed().as_secs_f64(),
    );
    assert!(answers > 0);
}

fn drawn(scope: Scope, seed: u64) -> impl ValueTree<Value = History> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { failure_persistence: None, ..Config::default() };
    histories(scope).new_tree(&mut TestRunner::new_with_rng(config, rng)).unwrap()
}

/// Makes the history smaller for as long as it fails, and tells it.
fn report(scope: Scope, seed: u64, why: &str) -> String {
    let mut tree = drawn(scope, seed);
    let mut smallest = tree.current();
    eprintln!("FIGMA_PAYMENTS_SEED={seed} breaks a rule, and is made smaller: {why}");
    let always = (0..TRIES).all(|_| lived(&smallest).is_err());
    let tries = if always { 1 } else { TRIES };
    let fails = |history: &History| (0..tries).any(|_| lived(history).is_err());
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
    let told = (0..TRIES * 4).find_map(|_| told(&smallest).err());
    let told = told.unwrap_or_else(|| format!("it did not fail again; at first: {why}"));
    format!(
        "a history breaks a rule ({scope:?}, FIGMA_PAYMENTS_SEED={seed})\n\n{smallest:?}\n\n{told}\n"
    )
}

/// The history without one of its steps, the last one first; with what passed
/// before it, too, or without.
fn without_a_step(history: &History) -> impl Iterator<Item = History> + use<'_> {
    (0..history.steps.len()).rev().flat_map(move |step| {
        let mut shorter = history.clone();
        let removed = shorter.steps.remove(step);
        let mut as_long = shorter.clone();
        if let Pause::Millis(before) = removed.pause
            && let Some(Step { pause: Pause::Millis(millis), .. }) = as_long.steps.get_mut(step)
        {
            *millis = millis.next_multiple_of(RHYTHM as u32) + before;
        }
        [shorter, as_long]
    })
}

fn lived(history: &History) -> Result<Checked, String> {
    run(history, false)
}

fn told(history: &History) -> Result<Checked, String> {
    run(history, true)
}

fn run(history: &History, telling: bool) -> Result<Checked, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(live(history, telling))
}

/// One life of a cache.
struct Life {
    figma: Figma,
    entitlements: Entitlements,
    capacity: u64,
    callers: Vec<JoinHandle<()>>,
}

async fn live(history: &History, telling: bool) -> Result<Checked, String> {
    let stale = if history.stale { HOUR } else { Duration::ZERO };
    let times = Times {
        paid: Duration::from_secs(600),
        trial: Duration::from_secs(120),
        unpaid: Duration::from_secs(10),
        stale,
        deadline: DEADLINE,
    };
    let figma = Figma::new(times, history.at_first.clone(), history.capacity == ROOMY, telling);
    let entitlements = Entitlements::builder(client(&figma, history.retries))
        .stale_if_error(stale)
        .max_entries(history.capacity)
        .build();
    let mut life = Life { figma, entitlements, capacity: history.capacity, callers: Vec::new() };
    for step in &history.steps {
        life.step(step).await;
        let writes =
            matches!(step.deed, Deed::Invalidate(_) | Deed::Prime(..) | Deed::Strangers(_));
        if history.tidy && writes {}
    }
    life.end().await;
    let mut state = life.figma.lock();
    match state.wrong.take() {
        None => Ok(state.checked),
        Some(wrong) => Err(match state.told.take() {
            Some(told) => format!("{}\n\n{wrong}", told.join("\n")),
            None => wrong,
        }),
    }
}

/// Asks the simulated Figma. Connections are never made, so all share what it
/// takes to make them.
fn client(figma: &Figma, retries: bool) -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let token = PersonalAccessToken::new("figd_simulated").unwrap();
        Client::builder(token).timeout(TIMEOUT).deadline(DEADLINE).build().unwrap()
    });
    let retry = match retries {
        true => RetryPolicy::default().backoff(RETRY_AFTER, RETRY_AFTER).random(|| 1.0),
        false => RetryPolicy::none(),
    };
    let figma = figma.clone();
    client.simulated(
        retry,
        std::sync::Arc::new(move |query| Box::pin(figma.clone().answer(Question::of(&query)))),
    )
}

impl Life {
    async fn step(&mut self, step: &Step) {
        match step.pause {
            Pause::None => {}
            Pause::Turns(turns) => {
                for _ in 0..turns {
                    yield_now().await;
                }
            }
            Pause::Millis(millis) => {
                let next = self.figma.lock().step(millis);
                sleep_until(next).await;
            }
        }
        match &step.deed {
            Deed::Ask(method, question, fate) => {
                if let Some(fate) = fate {
                    self.figma.lock().fates.push_front(fate.clone());
                }
                self.ask(*method, *question);
            }
            Deed::Next(fate) => self.figma.lock().fates.push_back(fate.clone()),
            Deed::Weather(reply) => self.figma.lock().weather = reply.clone(),
            Deed::Becomes(subject, status) => {
                let mut state = self.figma.lock();
                state.tell(|| format!("{subject} become {status}"));
                state.truth.insert(*subject, status.clone());
            }
            Deed::Invalidate(subject) => {
                let (user, resource) = (subject.user_id(), subject.resource());
                self.entitlements.invalidate(&user, &resource).await.unwrap();
                let mut state = self.figma.lock();
                state.said(*subject, Said::Forgotten);
                state.tell(|| format!("{subject} are invalidated"));
            }
            Deed::Prime(subject, status) => {
                let word = self.figma.lock().said(*subject, Said::Status(status.clone()));
                self.entitlements.prime(payment(*subject, status.clone(), word)).await;
                let mut state = self.figma.lock();
                let now = state.now();
                let primed = &mut state.model.words[word];
                primed.sent = now;
                primed.arrived = Some(Arrived { when: now, said: Said::Status(status.clone()) });
                state.tell(|| format!("{subject} are primed as {word} with {status}"));
            }
            Deed::Strangers(_) if self.capacity == ROOMY => {}
            Deed::Strangers(count) => self.strangers(*count).await,
            Deed::Leave(which) => {
                self.callers.retain(|caller| !caller.is_finished());
                if !self.callers.is_empty() {
                    let which = usize::from(*which) % self.callers.len();
                    self.callers.swap_remove(which).abort();
                    self.figma.lock().tell(|| "one who waits goes away".to_owned());
                }
            }
        }
    }

    fn ask(&mut self, method: Method, question: Question) {
        let (figma, entitlements) = (self.figma.clone(), self.entitlements.clone());
        self.callers.push(tokio::spawn(async move {
            ask(&figma, &entitlements, method, question).await;
        }));
    }

    /// Answers that nobody asks about, which take up room.
    async fn strangers(&self, count: u8) {
        let in_demand = self.capacity + 1;
        for number in 0..u64::from(count) {
            let mut stranger =
                payment(Subject { user: 0, resource: 0 }, PaymentStatus::Paid, usize::MAX);
            stranger.user_id = (STRANGERS + number % in_demand).to_string();
            self.entitlements.prime(stranger).await;
        }
    }

    /// Everybody has an answer by the deadline; and when Figma is well again and
    /// time has passed, each question has the true one, for one request at most.
    async fn end(&mut self) {
        let longest = self.figma.lock().step(60_000);
        sleep_until(longest).await;
        for caller in self.callers.drain(..) {
            let wrong = match caller.is_finished() {
                false => "a caller waits for ever".to_owned(),
                true => match caller.await {
                    Err(error) if error.is_panic() => format!("a caller panicked: {error}"),
                    _ => continue,
                },
            };
            self.figma.lock().is_wrong(wrong);
        }
        let much_later = {
            let mut state = self.figma.lock();
            state.tell(|| "Figma is well again".to_owned());
            state.fates.clear();
            state.weather = Reply::Truth;
            state.step(3 * 3_600_000)
        };
        sleep_until(much_later).await;
        for (user, resource) in [(0, 0), (1, 1)] {
            let subject = Subject { user, resource };
            let token = Token { subject, number: 0 };
            let by_token = Question { token: Some(token), user: None, resource: Some(resource) };
            for question in [Question::by_user(subject), by_token] {
                self.finds_out(question).await;
            }
        }
    }

    async fn finds_out(&self, question: Question) {
        let truth = self.figma.lock().truth(question.subject());
        let mut before = self.figma.lock().requests;
        let said = ask(&self.figma, &self.entitlements, Method::Get, question).await;
        let status = said.map(|it| it.payment.payment_status.clone());
        let mut requests = || {
            let now = self.figma.lock().requests;
            now - std::mem::replace(&mut before, now)
        };
        if status.as_ref() != Some(&truth) || requests() > 1 {
            let wrong = format!("in the end, `get` {question} gives {status:?} for {truth}");
            return self.figma.lock().is_wrong(wrong);
        }
        let roomy = self.figma.lock().model.roomy;
        let again = ask(&self.figma, &self.entitlements, Method::Get, question).await;
        let cached = again.is_some_and(|it| it.source == Source::Cached);
        let asked = requests();
        if asked > 1 || (roomy && !(cached && asked == 0)) {
            let wrong = format!("in the end, a second `get` {question} takes {asked} requests");
            self.figma.lock().is_wrong(wrong);
        }
    }
}

async fn ask(
    figma: &Figma,
    entitlements: &Entitlements,
    method: Method,
    question: Question,
) -> Option<Entitlement> {
    let call = figma.lock().begins(method, question);
    let query = question.query();
    let given = match method {
        Method::Get => entitlements.get(query).await.map_err(|error| error.kind()).map(Some),
        Method::GetFresh => {
            entitlements.get_fresh(query).await.map_err(|error| error.kind()).map(Some)
        }
        Method::GetCached => Ok(entitlements.get_cached(query).await),
    };
    figma.lock().ends(&call, &given);
    given.ok().flatten()
}
