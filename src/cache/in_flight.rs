//! Questions that are under way. A call that asks the same question waits for that
//! answer ("single flight").
//!
//! The call that asks Figma, the leader, counts up a heartbeat meanwhile. If the heartbeat
//! stops for a second, for instance because the leader's runtime has stopped, exactly one
//! of the waiting calls takes over. So no call depends on another call being polled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::AccessTokenVersion;
use crate::error::Error;
use crate::platform::clock::{Broadcast, Instant, timeout_at};
use crate::platform::task::spawn_detached;
use crate::store::answer::{Sent, Settled};
use crate::store::question::Question;

/// How often the leader counts up the heartbeat.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(250);

/// A waiting call takes over when the heartbeat has stopped for this long.
const TAKE_OVER_AFTER: Duration = Duration::from_secs(1);

/// What Figma answered.
pub(super) type FetchResult = Result<Settled, Error>;

/// How a call got its answer.
pub(super) enum Answered {
    /// It asked Figma itself.
    ByAsking(Arc<FetchResult>),
    /// It waited for the question of another call.
    ByJoining(Arc<FetchResult>),
    /// Not at all: its deadline came first.
    TooLate,
}

/// All questions that are under way.
#[derive(Default)]
pub(super) struct InFlight {
    flights: Mutex<HashMap<Question, Arc<Flight>>>,
}

/// One question that is under way.
#[derive(Default)]
pub(super) struct Flight {
    state: Mutex<State>,
    changed: Broadcast,
}

#[derive(Default)]
struct State {
    /// Counts up while the leader asks, and when another call takes over.
    heartbeat: u64,
    /// The latest attempt, and the access token that it was sent with.
    sent: Option<(Sent, AccessTokenVersion)>,
    result: Option<Arc<FetchResult>>,
    /// The leader has ended. If there is no result, a waiting call has to take over.
    ended: bool,
}

impl InFlight {
    /// Joins the question if it is under way and `may_join` accepts its latest attempt.
    /// Otherwise asks by `fetch`, in a task that goes on when this future is dropped. If
    /// `fetch` refuses to ask, a call that joined meanwhile takes over.
    pub(super) async fn ask<F, R>(
        self: &Arc<Self>,
        question: &Question,
        deadline: Instant,
        may_join: impl Fn(Sent, AccessTokenVersion) -> bool,
        fetch: impl Fn(Arc<Flight>) -> Result<F, R>,
    ) -> Result<Answered, R>
    where
        F: Future<Output = FetchResult> + Send + 'static,
    {
        let (flight, leader_may_live) = match self.join_or_begin(question, may_join) {
            Role::Leader(flight) => (flight, false),
            Role::Follower(flight) => match flight.wait(deadline).await {
                Waited::Done(fetched) => return Ok(Answered::ByJoining(fetched)),
                Waited::TooLate => return Ok(Answered::TooLate),
                Waited::TakesOver { leader_may_live } => (flight, leader_may_live),
            },
        };
        let fetch = match fetch(Arc::clone(&flight)) {
            // The others go on waiting, and the next one of them tries after a second.
            Err(refused) if leader_may_live => return Err(refused),
            fetch => fetch,
        };
        // Made before the task is spawned, because a task may be dropped before it runs.
        let in_flight = Arc::clone(self);
        let leader = Leader { in_flight, question: question.clone(), flight };
        let fetch = fetch?;
        Ok(Answered::ByAsking(spawn_detached(leader.ask(fetch)).await))
    }

    /// Begins this question on this flight, unless it is under way.
    pub(super) fn lead(
        self: &Arc<Self>,
        question: &Question,
        flight: &Arc<Flight>,
    ) -> Option<Leader> {
        let mut flights = self.flights();
        if flights.contains_key(question) {
            return None;
        }
        flights.insert(question.clone(), Arc::clone(flight));
        let (in_flight, flight) = (Arc::clone(self), Arc::clone(flight));
        Some(Leader { in_flight, question: question.clone(), flight })
    }

    fn join_or_begin(
        &self,
        question: &Question,
        may_join: impl Fn(Sent, AccessTokenVersion) -> bool,
    ) -> Role {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(question)
            && flight.may_be_joined(may_join)
        {
            return Role::Follower(Arc::clone(flight));
        }
        let flight = Arc::<Flight>::default();
        flights.insert(question.clone(), Arc::clone(&flight));
        Role::Leader(flight)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.flights().is_empty()
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Question, Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call that asks Figma. It ends the flight when it is dropped, also when its task is
/// aborted.
pub(super) struct Leader {
    in_flight: Arc<InFlight>,
    question: Question,
    flight: Arc<Flight>,
}

impl Leader {
    /// Asks, and counts up the heartbeat meanwhile.
    async fn ask(self, fetch: impl Future<Output = FetchResult>) -> Arc<FetchResult> {
        if let Some(result) = self.begin() {
            return result;
        }
        let fetched = Arc::new(self.with_heartbeat(fetch).await);
        self.flight.state().result.get_or_insert_with(|| Arc::clone(&fetched));
        fetched
    }

    /// Asks, and leaves an answer to those who have joined. After an error, which nobody has
    /// waited for at first, one of them takes over.
    pub(super) async fn ask_for_an_answer(self, fetch: impl Future<Output = FetchResult>) {
        let fetched = self.with_heartbeat(fetch).await;
        if fetched.is_ok() {
            self.flight.state().result.get_or_insert(Arc::new(fetched));
        }
    }

    async fn with_heartbeat(&self, fetch: impl Future<Output = FetchResult>) -> FetchResult {
        let mut fetch = std::pin::pin!(fetch);
        loop {
            match timeout_at(Instant::now() + HEARTBEAT_EVERY, fetch.as_mut()).await {
                Ok(fetched) => return fetched,
                Err(_) => self.flight.state().heartbeat += 1,
            }
        }
    }

    /// Puts the flight back if an earlier leader has removed it. Returns the result if
    /// there is one by now.
    fn begin(&self) -> Option<Arc<FetchResult>> {
        let mut flights = self.in_flight.flights();
        let result = self.flight.state().result.clone();
        if result.is_none() {
            let flight = || Arc::clone(&self.flight);
            flights.entry(self.question.clone()).or_insert_with(flight);
        }
        result
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let mut flights = self.in_flight.flights();
        if flights.get(&self.question).is_some_and(|it| Arc::ptr_eq(it, &self.flight)) {
            flights.remove(&self.question);
        }
        drop(flights);
        self.flight.state().ended = true;
        self.flight.changed.wake_all();
    }
}

enum Role {
    /// The call asks Figma.
    Leader(Arc<Flight>),
    /// The call waits for the leader's answer.
    Follower(Arc<Flight>),
}

enum Waited {
    Done(Arc<FetchResult>),
    TakesOver {
        /// Its heartbeat has stopped, but it may go on: its thread may be blocked.
        leader_may_live: bool,
    },
    TooLate,
}

impl Flight {
    pub(super) fn attempt_sent(&self, sent: Sent, with: AccessTokenVersion) {
        self.state().sent = Some((sent, with));
    }

    /// A flight with a result cannot be joined: the result is for those who asked before.
    fn may_be_joined(&self, may_join: impl Fn(Sent, AccessTokenVersion) -> bool) -> bool {
        let state = self.state();
        state.result.is_none() && state.sent.is_none_or(|(sent, with)| may_join(sent, with))
    }

    /// Waits for the result, or until this call has to ask.
    async fn wait(&self, deadline: Instant) -> Waited {
        loop {
            let heartbeat = self.state().heartbeat;
            let take_over = Instant::now() + TAKE_OVER_AFTER;
            if let Some(waited) = self.changed.wait(take_over.min(deadline), || self.ended()).await
            {
                return waited;
            }
            if Instant::now() >= deadline {
                return Waited::TooLate;
            }
            if self.takes_over(Some(heartbeat)) {
                return Waited::TakesOver { leader_may_live: true };
            }
        }
    }

    /// What the leader's end means for this call.
    fn ended(&self) -> Option<Waited> {
        if let Some(fetched) = &self.state().result {
            return Some(Waited::Done(Arc::clone(fetched)));
        }
        self.takes_over(None).then_some(Waited::TakesOver { leader_may_live: false })
    }

    /// Whether this call takes over. Only the first call does that finds the flight ended,
    /// or its heartbeat still at this count.
    fn takes_over(&self, stopped_at: Option<u64>) -> bool {
        let mut state = self.state();
        let leader_is_gone = state.ended || stopped_at == Some(state.heartbeat);
        let takes_over = leader_is_gone && state.result.is_none();
        if takes_over {
            state.ended = false;
            state.heartbeat += 1;
        }
        takes_over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
