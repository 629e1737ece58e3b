//! Questions under way. Whoever asks what is asked already waits for that answer.
//!
//! Nobody depends on somebody else's future being polled. Whoever asks Figma renews
//! a mark while doing so. When that stops for a second, because a runtime is not
//! driven any more for instance, exactly one of those who wait asks in its place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::memory::{Sent, Settled};
use super::question::Question;
use crate::error::Error;
use crate::platform::task::spawn_detached;

/// How often whoever asks renews its mark.
const RENEW_EVERY: Duration = Duration::from_millis(250);

/// A mark that was not renewed for so long is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// What came of a question.
pub(super) type Fetched = Result<Settled, Error>;

/// How somebody came by an answer.
pub(super) enum Came {
    /// By asking.
    Asked(Arc<Fetched>),
    /// By waiting for somebody else's question.
    Joined(Arc<Fetched>),
    /// Not at all: the deadline came first.
    TooLate,
}

/// The questions under way, and nothing else.
#[derive(Default)]
pub(super) struct InFlight {
    flights: Mutex<HashMap<Question, Arc<Flight>>>,
}

/// One question under way.
#[derive(Default)]
pub(super) struct Flight {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Counts renewals, and who asks in whose place.
    mark: u64,
    /// The latest attempt.
    sent: Option<Sent>,
    landed: Option<Arc<Fetched>>,
    /// Nobody asks any more. Without an answer, whoever waits has to.
    ended: bool,
}

/// What somebody sees who waits.
enum Seen {
    Landed(Arc<Fetched>),
    Ended,
    UnderWay { mark: u64 },
}

impl InFlight {
    /// Joins the question if it is under way and `may_join` its latest attempt,
    /// else asks by `fetch`, in a task that goes on when the caller leaves.
    pub(super) async fn ask<F>(
        self: &Arc<Self>,
        question: &Question,
        deadline: Instant,
        may_join: impl Fn(Sent) -> bool,
        fetch: impl Fn(Arc<Flight>) -> F,
    ) -> Came
    where
        F: Future<Output = Fetched> + Send + 'static,
    {
        let flight = match self.join_or_begin(question, may_join) {
            Place::First(flight) => flight,
            Place::Joined(flight) => match flight.wait(deadline).await {
                Waited::Landed(fetched) => return Came::Joined(fetched),
                Waited::TooLate => return Came::TooLate,
                Waited::TakesOver => flight,
            },
        };
        let fetch = fetch(Arc::clone(&flight));
        // Made before the task, which may be dropped before it runs.
        let end = End { in_flight: Arc::clone(self), question: question.clone(), flight };
        Came::Asked(spawn_detached(end.fly(fetch)).await)
    }

    fn join_or_begin(&self, question: &Question, may_join: impl Fn(Sent) -> bool) -> Place {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(question)
            && flight.may_be_joined(may_join)
        {
            return Place::Joined(Arc::clone(flight));
        }
        let flight = Arc::<Flight>::default();
        flights.insert(question.clone(), Arc::clone(&flight));
        Place::First(flight)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.flights().is_empty()
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Question, Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a flight, also when the task that asks is dropped.
struct End {
    in_flight: Arc<InFlight>,
    question: Question,
    flight: Arc<Flight>,
}

impl End {
    /// Asks, and renews the mark meanwhile.
    async fn fly(self, fetch: impl Future<Output = Fetched>) -> Arc<Fetched> {
        if let Some(landed) = self.take_off() {
            return landed;
        }
        let mut fetch = std::pin::pin!(fetch);
        let fetched = loop {
            match timeout_at(Instant::now() + RENEW_EVERY, fetch.as_mut()).await {
                Ok(fetched) => break Arc::new(fetched),
                Err(_) => self.flight.state().mark += 1,
            }
        };
        self.flight.state().landed.get_or_insert_with(|| Arc::clone(&fetched));
        fetched
    }

    /// Puts the flight back, if somebody ended it and this one takes over. Gives the
    /// answer if it has come meanwhile.
    fn take_off(&self) -> Option<Arc<Fetched>> {
        let mut flights = self.in_flight.flights();
        let landed = self.flight.state().landed.clone();
        if landed.is_none() {
            let flight = || Arc::clone(&self.flight);
            flights.entry(self.question.clone()).or_insert_with(flight);
        }
        landed
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut flights = self.in_flight.flights();
        if flights.get(&self.question).is_some_and(|it| Arc::ptr_eq(it, &self.flight)) {
            flights.remove(&self.question);
        }
        drop(flights);
        self.flight.state().ended = true;
        self.flight.changed.notify_waiters();
    }
}

enum Place {
    First(Arc<Flight>),
    Joined(Arc<Flight>),
}

enum Waited {
    Landed(Arc<Fetched>),
    TakesOver,
    TooLate,
}

impl Flight {
    /// An attempt goes out.
    pub(super) fn sent(&self, sent: Sent) {
        self.state().sent = Some(sent);
    }

    /// Not with an answer that has come: it is one to those who asked before.
    fn may_be_joined(&self, may_join: impl Fn(Sent) -> bool) -> bool {
        let state = self.state();
        state.landed.is_none() && state.sent.is_none_or(may_join)
    }

    /// Waits for the answer, or until it is this one's turn to ask.
    async fn wait(&self, deadline: Instant) -> Waited {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let mark = match self.seen() {
                Seen::Landed(fetched) => return Waited::Landed(fetched),
                Seen::Ended if self.takes_over(None) => return Waited::TakesOver,
                Seen::Ended => continue,
                Seen::UnderWay { mark } => mark,
            };
            let give_up = Instant::now() + GIVE_UP_AFTER;
            if timeout_at(give_up.min(deadline), changed).await.is_ok() {
                continue;
            }
            if Instant::now() >= deadline {
                return Waited::TooLate;
            }
            if self.takes_over(Some(mark)) {
                return Waited::TakesOver;
            }
        }
    }

    fn seen(&self) -> Seen {
        let state = self.state();
        match &state.landed {
            Some(fetched) => Seen::Landed(Arc::clone(fetched)),
            None if state.ended => Seen::Ended,
            None => Seen::UnderWay { mark: state.mark },
        }
    }

    /// Whether the one who waits asks from now on: the first who finds that
    /// nobody asks any more, or that the mark was not renewed.
    fn takes_over(&self, not_renewed: Option<u64>) -> bool {
        let mut state = self.state();
        let nobody_asks = state.ended || not_renewed == Some(state.mark);
        let takes_over = nobody_asks && state.landed.is_none();
        if takes_over {
            state.ended = false;
            state.mark += 1;
        }
        takes_over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
