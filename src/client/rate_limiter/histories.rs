//! A property test: random histories on a simulated clock. Calls and batches wait for
//! slots, are dropped, or are not polled for a while; 429s arrive with and without a
//! pause; the clock jumps. In each history
//!
//! - no more requests are sent in any time than the burst and the rate allow,
//! - no call waits beyond its deadline,
//! - calls get their slots in the order in which they asked,
//! - no slot is left unused for longer than a second while a polled call waits for it,
//! - in a pause only one request a minute is sent,
//! - and five minutes after the last 429 the limit is back to the setting.
//!
//! With `FIGMA_PAYMENTS_DEEP` set, it runs many more histories. A history that breaks a
//! rule is shrunk and printed.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;
use crate::client::times::MINUTE;
use crate::error::ErrorKind;

const MILLISECOND: Duration = Duration::from_millis(1);

/// How late a timer may be.
const TIMER_DELAY: Duration = Duration::from_millis(5);

#[derive(Debug, Clone)]
enum Step {
    Ask {
        wait: WaitPolicy,
        deadline: Duration,
    },
    /// One of the waiting calls is dropped.
    Drop(prop::sample::Index),
    /// One of the waiting calls is no longer polled.
    StopPolling(prop::sample::Index),
    /// All calls are polled again.
    ResumePolling,
    /// The latest request is answered 429, with this `Retry-After` if any.
    TooManyRequests(Option<Duration>),
    /// The latest request is answered with a success.
    Response,
    Sleep(Duration),
    /// Time passes without any call being polled, as on a suspended machine.
    JumpClock(Duration),
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
        2 => any::<Index>().prop_map(Step::Drop),
        2 => any::<Index>().prop_map(Step::StopPolling),
        1 => Just(Step::ResumePolling),
        1 => pause.prop_map(Step::TooManyRequests),
        1 => Just(Step::Response),
        6 => millis(1..4_000).prop_map(Step::Sleep),
        1 => millis(1_000..400_000).prop_map(Step::JumpClock),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    (6..1200_u32, 1..20_u32, prop::collection::vec(steps(), 1..80))
        .prop_map(|(per_minute, burst, steps)| History { per_minute, burst, steps })
}

/// A future that is not polled while its switch says so.
struct Stoppable<F> {
    future: Pin<Box<F>>,
    polling: Arc<PollSwitch>,
}

#[derive(Default)]
struct PollSwitch(Mutex<PollState>);

#[derive(Default)]
struct PollState {
    stopped: bool,
    waker: Option<Waker>,
}

impl PollSwitch {
    fn stop(&self) {
        self.0.lock().unwrap().stopped = true;
    }

    fn resume(&self) {
        let mut state = self.0.lock().unwrap();
        state.stopped = false;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    fn is_stopped(&self) -> bool {
        self.0.lock().unwrap().stopped
    }
}

impl<F: Future> Future for Stoppable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        {
            let mut state = self.polling.0.lock().unwrap();
            if state.stopped {
                state.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        self.future.as_mut().poll(context)
    }
}

/// A call that waits for a slot.
struct WaitingCall {
    number: usize,
    wait: WaitPolicy,
    deadline: Instant,
    polling: Arc<PollSwitch>,
    /// It was not polled for some time, so it may be late.
    excused: bool,
    task: JoinHandle<Ended>,
}

/// The result of a call, and when it had it.
struct Ended {
    slot: Result<Instant, Error>,
    at: Instant,
}

/// A 429, and the pause that it asked for.
struct TooManyRequests {
    at: Instant,
    until: Instant,
    /// When a later response ended the pause.
    ended: Option<Instant>,
}

/// The limiter, and what happened to it so far.
struct Run {
    limiter: Arc<RateLimiter>,
    history: History,
    waiting: Vec<WaitingCall>,
    calls: usize,
    /// When each request was sent.
    sent: Vec<Instant>,
    /// The number of the last call that got a slot, of those that were always polled.
    last_in_order: Option<usize>,
    refusals: Vec<TooManyRequests>,
    /// Since when a polled call waits and no request was sent.
    unused_since: Option<Instant>,
}

type Checked = Result<(), TestCaseError>;

impl Run {
    fn new(history: History) -> Self {
        let setting = Limit { per_minute: history.per_minute, burst: Some(history.burst) };
        Run {
            limiter: Arc::new(RateLimiter::new(AskedBy::User, setting)),
            history,
            waiting: Vec::new(),
            calls: 0,
            sent: Vec::new(),
            last_in_order: None,
            refusals: Vec::new(),
            unused_since: None,
        }
    }

    fn interval(&self) -> Duration {
        MINUTE / self.history.per_minute
    }

    async fn run(&mut self) -> Checked {
        for step in self.history.steps.clone() {
            match step {
                Step::Ask { wait, deadline } => self.ask(wait, deadline),
                Step::Drop(index) => {
                    if let Some(call) = self.pick(index) {
                        let call = self.waiting.remove(call);
                        call.task.abort();
                    }
                }
                Step::StopPolling(index) => {
                    if let Some(call) = self.pick(index) {
                        self.waiting[call].polling.stop();
                        self.waiting[call].excused = true;
                        // It may hold the next slot for a second.
                        self.unused_since = None;
                    }
                }
                Step::ResumePolling => self.waiting.iter().for_each(|call| call.polling.resume()),
                Step::TooManyRequests(pause) => self.on_too_many_requests(pause),
                Step::Response => self.on_response(),
                Step::Sleep(time) => self.sleep(time).await?,
                Step::JumpClock(time) => {
                    self.waiting.iter_mut().for_each(|call| call.excused = true);
                    self.unused_since = None;
                    tokio::time::advance(time).await;
                }
            }
            self.sleep(MILLISECOND).await?;
        }
        self.check_recovery().await
    }

    fn pick(&self, index: prop::sample::Index) -> Option<usize> {
        (!self.waiting.is_empty()).then(|| index.index(self.waiting.len()))
    }

    fn ask(&mut self, wait: WaitPolicy, deadline: Duration) {
        self.calls += 1;
        let limiter = Arc::clone(&self.limiter);
        let polling = Arc::<PollSwitch>::default();
        let now = Instant::now();
        let deadline = now + deadline;
        let ask = async move {
            let slot = limiter.acquire(wait, now, deadline).await;
            Ended { slot, at: Instant::now() }
        };
        let task = tokio::spawn(Stoppable { future: Box::pin(ask), polling: Arc::clone(&polling) });
        let number = self.calls;
        self.waiting.push(WaitingCall { number, wait, deadline, polling, excused: false, task });
    }

    fn on_too_many_requests(&mut self, pause: Option<Duration>) {
        let Some(sent) = self.sent.last() else { return };
        let error = Error::new(ErrorKind::RateLimited, "429");
        self.limiter.on_too_many_requests(WaitPolicy::Deadline, *sent, &error, pause);
        let at = Instant::now();
        self.unused_since = None;
        if pause.is_some() {
            // The newest pause replaces the earlier ones.
            self.refusals.iter_mut().for_each(|it| it.ended = it.ended.or(Some(at)));
        }
        let until = at + pause.unwrap_or_default();
        self.refusals.push(TooManyRequests { at, until, ended: None });
    }

    fn on_response(&mut self) {
        let Some(sent) = self.sent.last() else { return };
        self.limiter.on_response(*sent);
        let now = Instant::now();
        for refusal in &mut self.refusals {
            if refusal.ended.is_none() && refusal.at <= *sent {
                refusal.ended = Some(now);
            }
        }
    }

    /// Lets time pass, and checks what happens in it.
    async fn sleep(&mut self, time: Duration) -> Checked {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let step = (until - Instant::now()).min(Duration::from_millis(100));
            sleep(step).await;
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            self.check().await?;
        }
        Ok(())
    }

    async fn check(&mut self) -> Checked {
        let now = Instant::now();
        let mut ended = Vec::new();
        for mut call in self.waiting.extract_if(.., |call| call.task.is_finished()) {
            let result = (&mut call.task).await.unwrap();
            ended.push((call, result));
        }
        ended.sort_by_key(|(call, result)| (result.at, result.slot.is_err(), call.number));
        for (call, Ended { slot, at }) in ended {
            let number = call.number;
            if call.wait == WaitPolicy::Deadline && !call.excused {
                prop_assert!(at <= call.deadline + TIMER_DELAY, "call {number} waited too long");
            }
            let Ok(slot) = slot else {
                prop_assert!(call.wait == WaitPolicy::Deadline, "a batch was refused");
                continue;
            };
            self.sent.push(slot);
            self.unused_since = None;
            if call.wait == WaitPolicy::Deadline && !call.excused {
                let in_order = self.last_in_order.is_none_or(|last| last < number);
                prop_assert!(in_order, "call {number} got a slot before an earlier call");
                self.last_in_order = Some(number);
            }
        }
        self.check_rate()?;
        self.check_pauses()?;
        self.check_unused_slots(now)
    }

    /// In any time, at most the burst and what the rate allows was sent.
    fn check_rate(&self) -> Checked {
        let Some(last) = self.sent.last() else { return Ok(()) };
        for (number, first) in self.sent.iter().rev().enumerate().skip(1) {
            let time = last.saturating_duration_since(*first);
            let allowed = f64::from(self.history.burst)
                + time.as_secs_f64() * f64::from(self.history.per_minute) / 60.0;
            let requests = number + 1;
            prop_assert!(requests as f64 <= allowed + 0.01, "{requests} requests in {time:?}");
        }
        Ok(())
    }

    /// In a pause, at most one request a minute was sent.
    fn check_pauses(&self) -> Checked {
        for refusal in &self.refusals {
            let until = refusal.ended.unwrap_or(refusal.until).min(refusal.until);
            let probes: Vec<&Instant> =
                self.sent.iter().filter(|sent| **sent > refusal.at && **sent < until).collect();
            let mut before = refusal.at;
            for probe in probes {
                prop_assert!(*probe >= before + MINUTE, "a request in a pause");
                before = *probe;
            }
        }
        Ok(())
    }

    /// While a polled call waits, a request is sent as soon as the rate allows it. The
    /// rate is what was set, or after a 429 at least a tenth of it.
    fn check_unused_slots(&mut self, now: Instant) -> Checked {
        let paused = self.refusals.iter().any(|it| it.ended.is_none() && it.until > now);
        let polled = self.waiting.iter().any(|call| !call.polling.is_stopped());
        if paused || !polled {
            self.unused_since = None;
            return Ok(());
        }
        let since = *self.unused_since.get_or_insert(now);
        let slowest = match self.refusals.is_empty() {
            true => self.interval(),
            false => self.interval() * 10,
        };
        // This check runs every 100 ms.
        let longest = slowest + Duration::from_millis(1_200);
        prop_assert!(now - since <= longest, "a slot was left unused for {:?}", now - since);
        Ok(())
    }

    /// Five minutes after the last 429, the burst and the rate are what was set.
    async fn check_recovery(&mut self) -> Checked {
        self.waiting.drain(..).for_each(|call| call.task.abort());
        tokio::task::yield_now().await;
        if let Some(pause) = self.refusals.iter().map(|it| it.until).max() {
            sleep(pause.saturating_duration_since(Instant::now())).await;
        }
        let quiet = (self.interval() * self.history.burst).max(bucket::RECOVERY);
        sleep(quiet + TIMER_DELAY).await;
        prop_assert!(self.limiter.local.state().waiters.is_empty(), "the queue is not empty");
        let began = Instant::now();
        for number in 0..2 * self.history.burst {
            let deadline = began + MINUTE + 2 * quiet;
            let slot = self.limiter.acquire(WaitPolicy::Deadline, Instant::now(), deadline).await;
            let slot = slot.map_err(|error| TestCaseError::fail(error.to_string()))?;
            self.limiter.on_response(slot);
            let due = began + self.interval() * (number + 1).saturating_sub(self.history.burst);
            let delay = TIMER_DELAY * (number + 1);
            prop_assert!(slot <= due + delay, "request {number} is {:?} late", slot - due);
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
            let mut run = Run::new(history);
            let outcome = run.run().await;
            *requests.lock().unwrap() += run.sent.len();
            outcome
        })
    });
    println!("{cases} histories, {} requests", requests.into_inner().unwrap());
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
