//! A simulated Figma, which answers by the plans of the history, and a record of all
//! events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::model::{Arrival, Call, Event, Method, Model, Moment, Outcome};
use super::question::{Question, Subject, about};
use super::steps::{Reply, RequestPlan};
use crate::api::types::PaymentInformation;
use crate::cache::entitlement::{Entitlement, Source};
use crate::error::{Error, ErrorKind};
use crate::model::payment::{DateOfPurchase, PaymentStatus};
use crate::model::resource::ResourceType;

/// Steps happen at times that are a multiple of `TIME_GRID`, in milliseconds. Responses
/// arrive `ARRIVAL_OFFSET` later, and timeouts end at yet other offsets. So two things
/// never happen at the same instant unless one causes the other. [`RETRY_WAIT`],
/// [`TIMEOUT`] and [`DEADLINE`] are chosen for that.
pub(super) const TIME_GRID: u64 = 4;
const ARRIVAL_OFFSET: u64 = 1;

/// From an arrival to a multiple of [`TIME_GRID`].
pub(super) const RETRY_WAIT: Duration = Duration::from_millis(503);
/// For an attempt. It ends 1 or 2 ms after a response could arrive.
pub(super) const TIMEOUT: Duration = Duration::from_millis(5002);
pub(super) const DEADLINE: Duration = Duration::from_millis(12_002);

/// Shared by the server, the calls and the history.
#[derive(Clone)]
pub(super) struct Figma(Arc<Mutex<State>>);

pub(super) struct State {
    pub(super) model: Model,
    /// The payment status of each subject, if it was set.
    pub(super) statuses: BTreeMap<Subject, PaymentStatus>,
    initial_status: PaymentStatus,
    /// The plans for the next requests.
    pub(super) plans: VecDeque<RequestPlan>,
    pub(super) default_reply: Reply,
    /// How many requests arrived.
    pub(super) requests: u64,
    pub(super) counts: Counts,
    /// The first rule that was broken.
    pub(super) violation: Option<String>,
    /// What happened, if it is logged.
    pub(super) log: Option<Vec<String>>,
    began: Instant,
    last_moment: u64,
    calls: usize,
    /// The times of arrivals so far, in milliseconds.
    arrivals: BTreeSet<u64>,
}

/// How much the histories tested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Steps that ran.
    pub(super) steps: usize,
    /// Answers that were checked.
    pub(super) answers: u64,
    pub(super) grants_from_memory: u64,
    pub(super) stale: u64,
    /// Calls that memory could have answered by the rules, but did not, for instance because
    /// of eviction.
    pub(super) missed: u64,
}

impl Figma {
    pub(super) fn new(model: Model, initial_status: PaymentStatus, with_log: bool) -> Self {
        Figma(Arc::new(Mutex::new(State {
            model,
            statuses: BTreeMap::new(),
            initial_status,
            plans: VecDeque::new(),
            default_reply: Reply::TrueStatus,
            requests: 0,
            counts: Counts::default(),
            violation: None,
            log: with_log.then(Vec::new),
            began: Instant::now(),
            last_moment: 0,
            calls: 0,
            arrivals: BTreeSet::new(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Answers one request, by its plan.
    pub(super) async fn answer(self, question: Question) -> Result<PaymentInformation, Error> {
        let (event, plan) = {
            let mut state = self.lock();
            (state.send(question), state.next_plan())
        };
        let mut pending = PendingRequest { figma: self.clone(), event: Some(event) };
        if plan.to_server > 0 {
            sleep(Duration::from_millis(plan.to_server.into())).await;
        }
        let outcome = self.lock().outcome(question, &plan.reply);
        let arrives_at = self.lock().arrival_time(Duration::from_millis(plan.to_client.into()));
        sleep_until(arrives_at).await;
        pending.event = None;
        self.lock().respond(event, outcome, &plan.reply)
    }
}

/// A request that has no response yet. If it is dropped, that counts as a timeout.
struct PendingRequest {
    figma: Figma,
    event: Option<usize>,
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        if let Some(event) = self.event {
            let mut state = self.figma.lock();
            state.record_arrival(event, Outcome::Outage(ErrorKind::Timeout));
            state.log(|| format!("request {event} is aborted"));
        }
    }
}

impl State {
    pub(super) fn now(&mut self) -> Moment {
        self.last_moment += 1;
        Moment { number: self.last_moment, at: Instant::now() }
    }

    /// Logs what happens, up to the first violation.
    pub(super) fn log(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_some() {
            return;
        }
        if let Some(log) = &mut self.log {
            log.push(format!("{:>12.3} s: {}", self.began.elapsed().as_secs_f64(), what()));
        }
    }

    pub(super) fn record_violation(&mut self, what: String) {
        self.log(|| format!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    /// The next time for a step, after this many milliseconds.
    pub(super) fn step_time(&self, after_millis: u32) -> Instant {
        let millis = self.began.elapsed().as_millis() as u64 + u64::from(after_millis.max(1));
        self.began + Duration::from_millis(millis.next_multiple_of(TIME_GRID))
    }

    /// The next time at which nothing else arrives, after this time.
    fn arrival_time(&mut self, after: Duration) -> Instant {
        let millis = (self.began.elapsed() + after).as_millis() as u64;
        let mut arrival = millis.next_multiple_of(TIME_GRID) + ARRIVAL_OFFSET;
        while !self.arrivals.insert(arrival) {
            arrival += TIME_GRID;
        }
        self.began + Duration::from_millis(arrival)
    }

    /// Records a call of `prime` or `invalidate`, and returns the number of the event.
    pub(super) fn record(&mut self, about: Subject, outcome: Outcome) -> usize {
        let sent = self.now();
        let arrival = Some(Arrival { when: sent, outcome });
        let event = Event { about, question: None, sent, arrival, returned_as_fresh: false };
        self.model.events.push(event);
        self.model.events.len() - 1
    }

    /// Records a request that is sent now, and returns the number of the event.
    fn send(&mut self, question: Question) -> usize {
        let number = self.model.events.len();
        let event = Event {
            about: question.subject(),
            question: Some(question),
            sent: self.now(),
            arrival: None,
            returned_as_fresh: false,
        };
        self.log(|| format!("request {number} is sent {question}"));
        self.model.events.push(event);
        self.requests += 1;
        number
    }

    fn next_plan(&mut self) -> RequestPlan {
        self.plans.pop_front().unwrap_or_else(|| RequestPlan {
            to_server: 0,
            to_client: 10,
            reply: self.default_reply.clone(),
        })
    }

    fn outcome(&mut self, question: Question, reply: &Reply) -> Outcome {
        let about = question.subject();
        match reply {
            Reply::TrueStatus if question.is_answered_by(about) => {
                Outcome::Status(self.true_status(about))
            }
            Reply::TrueStatus => Outcome::Refused(ErrorKind::Mismatch),
            Reply::Status(status) => Outcome::Status(status.clone()),
            Reply::TooManyRequests { .. } => Outcome::Outage(ErrorKind::RateLimited),
            Reply::Error(kind, _) => match kind {
                ErrorKind::Server
                | ErrorKind::Timeout
                | ErrorKind::Connect
                | ErrorKind::Transport => Outcome::Outage(*kind),
                refused => Outcome::Refused(*refused),
            },
        }
    }

    pub(super) fn true_status(&self, about: Subject) -> PaymentStatus {
        self.statuses.get(&about).cloned().unwrap_or_else(|| self.initial_status.clone())
    }

    /// The response to a request, which arrives now.
    fn respond(
        &mut self,
        event: usize,
        outcome: Outcome,
        reply: &Reply,
    ) -> Result<PaymentInformation, Error> {
        self.record_arrival(event, outcome.clone());
        self.log(|| format!("request {event} is answered: {outcome:?}"));
        let error = |kind, status, retry_after: Option<u32>| {
            Err(Error::new(kind, "simulated").with(|details| {
                details.may_have_arrived = kind != ErrorKind::Connect;
                details.response.status = status;
                details.response.retry_after =
                    retry_after.map(|wait| Duration::from_secs(wait.into()));
            }))
        };
        match (outcome, reply) {
            (Outcome::Status(status), _) => {
                Ok(payment(self.model.events[event].about, status, event))
            }
            (_, Reply::TooManyRequests { retry_after }) => {
                error(ErrorKind::RateLimited, Some(429), *retry_after)
            }
            (Outcome::Outage(kind) | Outcome::Refused(kind), Reply::Error(_, status)) => {
                error(kind, *status, None)
            }
            _ => error(ErrorKind::Mismatch, Some(200), None),
        }
    }

    fn record_arrival(&mut self, event: usize, outcome: Outcome) {
        let when = self.now();
        self.model.events[event].arrival = Some(Arrival { when, outcome });
    }

    pub(super) fn begin_call(&mut self, method: Method, question: Question) -> Call {
        self.calls += 1;
        let number = self.calls;
        self.log(|| format!("call {number} begins: {method:?} {question}"));
        Call { number, method, question, began: self.now() }
    }

    /// Checks the result of a call against the model.
    pub(super) fn end_call(
        &mut self,
        call: &Call,
        result: &Result<Option<Entitlement>, ErrorKind>,
    ) {
        let now = self.now();
        let number = call.number;
        if now.at - call.began.at > self.model.times.deadline + Duration::from_secs(1) {
            self.record_violation(format!("call {number} waited beyond its deadline"));
        }
        let from_memory = |it: &Entitlement| it.source == Source::Cached;
        if !matches!(result, Ok(Some(entitlement)) if from_memory(entitlement))
            && self.model.could_answer_from_memory(call)
        {
            self.counts.missed += 1;
        }
        let entitlement = match result {
            Ok(Some(entitlement)) => entitlement,
            Ok(None) => return self.log(|| format!("call {number} gets nothing")),
            Err(kind) => {
                self.log(|| format!("call {number} gets {kind:?}"));
                if *kind == ErrorKind::Unauthorized
                    && let Err(why) = self.model.check_refusal(call, now)
                {
                    self.record_violation(format!("call {number} gets {kind:?}: {why}"));
                }
                return;
            }
        };
        let status = &entitlement.payment.payment_status;
        let source = entitlement.source;
        let Some(event_number) = event_of(&entitlement.payment) else {
            return self.record_violation(format!("call {number} gets an unknown answer"));
        };
        self.log(|| format!("call {number} gets {status} of request {event_number}, {source:?}"));
        self.counts.answers += 1;
        match source {
            Source::Fresh => {}
            Source::Cached => {
                self.counts.grants_from_memory += u64::from(entitlement.grants_access());
            }
            Source::Stale => self.counts.stale += 1,
        }
        let event = &self.model.events[event_number];
        let is_unchanged = about(&entitlement.payment) == Some(event.about)
            && event.outcome() == Some(&Outcome::Status(status.clone()));
        let allowed = match is_unchanged {
            true => self.model.check(call, event, source, now),
            false => Err("it is not what Figma answered".to_owned()),
        };
        if let Err(why) = allowed {
            let true_status = self.true_status(event.about);
            return self.record_violation(format!(
                "call {number} gets {status}, {source:?}: {why} (the true status is {true_status})"
            ));
        }
        if call.method == Method::GetFresh {
            self.model.events[event_number].returned_as_fresh = true;
        }
    }
}

/// An answer that has the number of its event in its `date_of_purchase`.
pub(super) fn payment(about: Subject, status: PaymentStatus, event: usize) -> PaymentInformation {
    PaymentInformation {
        date_of_purchase: Some(DateOfPurchase::from(event.to_string().as_str())),
        payment_status: status,
        resource_id: about.resource().id().to_owned(),
        resource_type: ResourceType::Plugin,
        user_id: about.user_id().to_string(),
    }
}

fn event_of(payment: &PaymentInformation) -> Option<usize> {
    payment.date_of_purchase.as_ref()?.as_str().parse().ok()
}

impl Counts {
    pub(super) fn add(&mut self, other: Counts) {
        self.steps += other.steps;
        self.answers += other.answers;
        self.grants_from_memory += other.grants_from_memory;
        self.stale += other.stale;
        self.missed += other.missed;
    }
}
