//! Histories drawn at random, on a simulated clock: callers and batches that ask,
//! leave, or are not polled for a while, 429s with and without a pause, and clocks
//! that jump. In each of them
//!
//! - no more requests go out in any time than the burst and the rate allow,
//! - nobody waits beyond their deadline,
//! - callers have their slots in the order in which they asked,
//! - no slot is left unused for longer than a second while somebody waits for it,
//! - in a pause only one request a minute goes out,
//! - and five minutes after the last 429 everything is as it was set.
//!
//! `FIGMA_PAYMENTS_DEEP` draws many more. A history that breaks a rule is made
//! smaller and printed.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// How late a timer may be.
const LATE: Duration = Duration::from_millis(5);

#[derive(Debug, Clone)]
enum Step {
    Ask {
        wait: WaitPolicy,
        deadline: Duration,
    },
    /// One of those who wait leaves.
    Leave(prop::sample::Index),
    /// One of those who wait is not polled any more.
    FallSilent(prop::sample::Index),
    /// All are polled again.
    Return,
    /// The latest request was answered 429, and says how long to pause, if at all.
    TooMany(Option<Duration>),
    /// The latest request was answered.
    Passed,
    Pass(Duration),
    /// Nobody is polled meanwhile, as on a machine that was suspended.
    Jump(Duration),
}

#[derive(Debug, Clone)]
struct History {
    per_minute: u32,
    burst: u32,
    steps: Vec<Step>,
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn steps() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    let deadline = prop_oneof![3 => millis(600..20_000), 1 => millis(60_000..600_000)];
    let ask = (prop::bool::weighted(0.2), deadline).prop_map(|(batch, deadline)| {
        let wait = if batch { WaitPolicy::Batch } else { WaitPolicy::Deadline };
        Step::Ask { wait, deadline }
    });
    let pause = prop::option::of(prop_oneof![3 => millis(0..20_000), 1 => millis(60_000..500_000)]);
    prop_oneof![
        12 => ask,
        2 => any::<Index>().prop_map(Step::Leave),
        2 => any::<Index>().prop_map(Step::FallSilent),
        1 => Just(Step::Return),
        1 => pause.prop_map(Step::TooMany),
        1 => Just(Step::Passed),
        6 => millis(1..4_000).prop_map(Step::Pass),
        1 => millis(1_000..400_000).prop_map(Step::Jump),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    (6..1200_u32, 1..20_u32, prop::collection::vec(steps(), 1..80))
        .prop_map(|(per_minute, burst, steps)| History { per_minute, burst, steps })
}

/// Polls what it holds, unless it is silent.
struct MayFallSilent<F> {
    future: Pin<Box<F>>,
    silent: Arc<Silent>,
}

#[derive(Default)]
struct Silent(Mutex<(bool, Option<Waker>)>);

impl Silent {
    fn set(&self, silent: bool) {
        let (is_silent, waker) = &mut *self.0.lock().unwrap();
        *is_silent = silent;
        if let Some(waker) = waker.take_if(|_| !silent) {
            waker.wake();
        }
    }

    fn is_set(&self) -> bool {
        self.0.lock().unwrap().0
    }
}

impl<F: Future> Future for MayFallSilent<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        {
            let (is_silent, waker) = &mut *self.silent.0.lock().unwrap();
            if *is_silent {
                *waker = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        self.future.as_mut().poll(context)
    }
}

/// Somebody who asked.
struct Asker {
    number: usize,
    wait: WaitPolicy,
    deadline: Instant,
    silent: Arc<Silent>,
    /// Was silent at some time, or lived through a jump.
    excused: bool,
    task: JoinHandle<(Result<Instant, Error>, Instant)>,
}

/// A 429, and how long it asked to pause.
struct TooMany {
    at: Instant,
    until: Instant,
    ended: Option<Instant>,
}

struct World {
    limiter: Arc<RateLimiter>,
    history: History,
    waiting: Vec<Asker>,
    asked: usize,
    /// Every request that went out.
    gone: Vec<Instant>,
    /// The last caller who had a slot and was polled all the time.
    last_in_order: Option<usize>,
    refusals: Vec<TooMany>,
    /// Since when somebody waits who is polled, and nothing went out.
    unused_since: Option<Instant>,
}

type Checked = Result<(), TestCaseError>;

impl World {
    fn new(history: History) -> Self {
        let setting = Limit { per_minute: history.per_minute, burst: Some(history.burst) };
        World {
            limiter: Arc::new(RateLimiter::new(AskedBy::User, setting)),
            history,
            waiting: Vec::new(),
            asked: 0,
            gone: Vec::new(),
            last_in_order: None,
            refusals: Vec::new(),
            unused_since: None,
        }
    }

    fn interval(&self) -> Duration {
        MINUTE / self.history.per_minute
    }

    async fn live_through(&mut self) -> Checked {
        for step in self.history.steps.clone() {
            match step {
                Step::Ask { wait, deadline } => self.ask(wait, deadline),
                Step::Leave(who) => {
                    if let Some(asker) = self.pick(who) {
                        let asker = self.waiting.remove(asker);
                        asker.task.abort();
                    }
                }
                Step::FallSilent(who) => {
                    if let Some(asker) = self.pick(who) {
                        self.waiting[asker].silent.set(true);
                        self.waiting[asker].excused = true;
                        // The next slot may be theirs, for a second.
                        self.unused_since = None;
                    }
                }
                Step::Return => self.waiting.iter().for_each(|asker| asker.silent.set(false)),
                Step::TooMany(pause) => self.too_many(pause),
                Step::Passed => self.passed(),
                Step::Pass(time) => self.pass(time).await?,
                Step::Jump(time) => {
                    self.waiting.iter_mut().for_each(|asker| asker.excused = true);
                    self.unused_since = None;
                    tokio::time::advance(time).await;
                }
            }
            self.pass(MILLISECOND).await?;
        }
        self.recovers().await
    }

    fn pick(&self, who: prop::sample::Index) -> Option<usize> {
        (!self.waiting.is_empty()).then(|| who.index(self.waiting.len()))
    }

    fn ask(&mut self, wait: WaitPolicy, deadline: Duration) {
        self.asked += 1;
        let (limiter, silent) = (Arc::clone(&self.limiter), Arc::<Silent>::default());
        let now = Instant::now();
        let ask = async move {
            let slot = limiter.acquire(wait, now, now + deadline).await;
            (slot, Instant::now())
        };
        let task =
            tokio::spawn(MayFallSilent { future: Box::pin(ask), silent: Arc::clone(&silent) });
        let (number, deadline) = (self.asked, now + deadline);
        self.waiting.push(Asker { number, wait, deadline, silent, excused: false, task });
    }

    fn too_many(&mut self, pause: Option<Duration>) {
        let Some(sent) = self.gone.last() else { return };
        let error = Error::new(ErrorKind::RateLimited, "429");
        self.limiter.on_too_many_requests(WaitPolicy::Deadline, *sent, &error, pause);
        let at = Instant::now();
        self.unused_since = None;
        if pause.is_some() {
            // The newest counts.
            self.refusals.iter_mut().for_each(|it| it.ended = it.ended.or(Some(at)));
        }
        let until = at + pause.unwrap_or_default();
        self.refusals.push(TooMany { at, until, ended: None });
    }

    fn passed(&mut self) {
        let Some(sent) = self.gone.last() else { return };
        self.limiter.on_response(*sent);
        let now = Instant::now();
        for refusal in &mut self.refusals {
            if refusal.ended.is_none() && refusal.at <= *sent {
                refusal.ended = Some(now);
            }
        }
    }

    /// Lets time pass, and looks what happens in it.
    async fn pass(&mut self, time: Duration) -> Checked {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let step = (until - Instant::now()).min(Duration::from_millis(100));
            sleep(step).await;
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            self.look().await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Checked {
        let now = Instant::now();
        let mut ended = Vec::new();
        for mut asker in self.waiting.extract_if(.., |asker| asker.task.is_finished()) {
            let (slot, at) = (&mut asker.task).await.unwrap();
            ended.push((asker, slot, at));
        }
        ended.sort_by_key(|(asker, slot, at)| (*at, slot.is_err(), asker.number));
        for (asker, slot, at) in ended {
            if asker.wait == WaitPolicy::Deadline && !asker.excused {
                prop_assert!(at <= asker.deadline + LATE, "{} waited too long", asker.number);
            }
            let Ok(slot) = slot else {
                prop_assert!(asker.wait == WaitPolicy::Deadline, "a batch was refused");
                continue;
            };
            self.gone.push(slot);
            self.unused_since = None;
            if asker.wait == WaitPolicy::Deadline && !asker.excused {
                let in_order = self.last_in_order.is_none_or(|last| last < asker.number);
                prop_assert!(in_order, "{} came before its turn", asker.number);
                self.last_in_order = Some(asker.number);
            }
        }
        self.check_window()?;
        self.check_pauses()?;
        self.check_unused(now)
    }

    /// In any time at most the burst and what the rate allows.
    fn check_window(&self) -> Checked {
        let Some(last) = self.gone.last() else { return Ok(()) };
        for (number, first) in self.gone.iter().rev().enumerate().skip(1) {
            let time = last.saturating_duration_since(*first);
            let allowed = f64::from(self.history.burst)
                + time.as_secs_f64() * f64::from(self.history.per_minute) / 60.0;
            prop_assert!((number + 1) as f64 <= allowed + 0.01, "{} in {time:?}", number + 1);
        }
        Ok(())
    }

    /// In a pause one request a minute at most.
    fn check_pauses(&self) -> Checked {
        for refusal in &self.refusals {
            let until = refusal.ended.unwrap_or(refusal.until).min(refusal.until);
            let probes: Vec<&Instant> =
                self.gone.iter().filter(|gone| **gone > refusal.at && **gone < until).collect();
            let mut before = refusal.at;
            for probe in probes {
                prop_assert!(*probe >= before + MINUTE, "a request in a pause");
                before = *probe;
            }
        }
        Ok(())
    }

    /// While somebody waits who is polled, a request goes out as soon as the rate
    /// allows it: a tenth of what was set at the least, and what was set where no
    /// 429 came.
    fn check_unused(&mut self, now: Instant) -> Checked {
        let paused = self.refusals.iter().any(|it| it.ended.is_none() && it.until > now);
        let somebody = self.waiting.iter().any(|asker| !asker.silent.is_set());
        if paused || !somebody {
            self.unused_since = None;
            return Ok(());
        }
        let since = *self.unused_since.get_or_insert(now);
        let slowest = match self.refusals.is_empty() {
            true => self.interval(),
            false => self.interval() * 10,
        };
        // This looks every 100 ms.
        let longest = slowest + Duration::from_millis(1_200);
        prop_assert!(now - since <= longest, "a slot is unused for {:?}", now - since);
        Ok(())
    }

    /// Five minutes after the last 429 the burst and the rate are what was set.
    async fn recovers(&mut self) -> Checked {
        self.waiting.drain(..).for_each(|asker| asker.task.abort());
        tokio::task::yield_now().await;
        if let Some(pause) = self.refusals.iter().map(|it| it.until).max() {
            sleep(pause.saturating_duration_since(Instant::now())).await;
        }
        let quiet = (self.interval() * self.history.burst).max(bucket::RECOVERY);
        sleep(quiet + LATE).await;
        prop_assert!(self.limiter.state().waiters.is_empty(), "somebody is still waiting");
        let began = Instant::now();
        for number in 0..2 * self.history.burst {
            let deadline = began + MINUTE + 2 * quiet;
            let slot = self.limiter.acquire(WaitPolicy::Deadline, Instant::now(), deadline).await;
            let slot = slot.map_err(|error| TestCaseError::fail(error.to_string()))?;
            self.limiter.on_response(slot);
            let due = began + self.interval() * (number + 1).saturating_sub(self.history.burst);
            let late = LATE * (number + 1);
            prop_assert!(slot <= due + late, "number {number} is {:?} late", slot - due);
        }
        Ok(())
    }
}

#[test]
fn no_history_breaks_the_limit_or_loses_a_slot() {
    let cases = match std::env::var_os("FIGMA_PAYMENTS_DEEP") {
        Some(_) => 100_000,
        None => 300,
    };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, random);
    let requests = Mutex::new(0);
    let outcome = runner.run(&histories(), |history| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let mut world = World::new(history);
            let outcome = world.live_through().await;
            *requests.lock().unwrap() += world.gone.len();
            outcome
        })
    });
    println!("{cases} histories, {} requests", requests.into_inner().unwrap());
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
