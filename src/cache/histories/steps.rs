//! The steps of a history: their types, how they are drawn at random, and how they are
//! printed.

use std::fmt;

use proptest::prelude::*;

use super::model::Method;
use super::question::{Question, Subject, Token};
use crate::error::ErrorKind;
use crate::model::payment::PaymentStatus;

/// A sequence of steps, and the settings of the cache that runs them.
#[derive(Clone)]
pub(super) struct History {
    /// The setting `max_entries`.
    pub(super) capacity: u64,
    pub(super) retries: bool,
    /// Whether stale answers are allowed in an outage.
    pub(super) stale: bool,
    /// The payment status of every user at the beginning.
    pub(super) initial_status: PaymentStatus,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone)]
pub(super) struct Step {
    pub(super) pause: Pause,
    pub(super) action: Action,
}

/// The time before a step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pause {
    /// No time: tasks that were spawned have not run yet.
    None,
    /// No time, but other tasks run this many times.
    Yields(u8),
    Millis(u32),
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Ask {
        method: Method,
        question: Question,
        /// The plan for the next request.
        plan: Option<RequestPlan>,
    },
    /// Adds a plan after those that no request has used yet.
    PlanNextRequest(RequestPlan),
    /// From now on, requests without a plan get this reply.
    SetDefaultReply(Reply),
    /// A user buys, begins a trial, or is refunded.
    SetStatus(Subject, PaymentStatus),
    Invalidate(Subject),
    Prime(Subject, PaymentStatus),
    /// Primes this many answers about other users, so that entries are evicted.
    PrimeOthers(u8),
    /// Drops one of the calls under way.
    DropCall(u8),
}

/// What happens to a request. The server decides on the reply when the request arrives.
#[derive(Debug, Clone)]
pub(super) struct RequestPlan {
    /// The time until the request arrives at the server, in milliseconds.
    pub(super) to_server: u32,
    /// The time until the reply arrives at the client, in milliseconds.
    pub(super) to_client: u32,
    pub(super) reply: Reply,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// The user's payment status.
    TrueStatus,
    /// A status that gives no access and is not kept.
    Status(PaymentStatus),
    /// An error, with the HTTP status if there is one.
    Error(ErrorKind, Option<u16>),
    TooManyRequests {
        /// In seconds.
        retry_after: Option<u32>,
    },
}

/// Which histories are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    Full,
    /// Each call sends one request at most.
    WithoutRetries,
    /// Memory has room for all entries.
    WithoutEviction,
}

/// A capacity that is larger than the number of entries in any history.
pub(super) const UNBOUNDED: u64 = 1000;

/// How many users and resources a history is about.
#[derive(Debug, Clone, Copy)]
struct Counts {
    users: u8,
    resources: u8,
}

pub(super) fn histories(variant: Variant) -> BoxedStrategy<History> {
    let capacity = match variant {
        Variant::WithoutEviction => Just(UNBOUNDED).boxed(),
        Variant::WithoutRetries => (1..=20u64).boxed(),
        Variant::Full => prop_oneof![1 => Just(UNBOUNDED), 3 => 1..=20u64].boxed(),
    };
    let retries = match variant {
        Variant::WithoutRetries => Just(false).boxed(),
        Variant::Full | Variant::WithoutEviction => any::<bool>().boxed(),
    };
    let users = prop_oneof![3 => Just(1u8), 1 => 2..=4u8];
    let resources = prop_oneof![4 => Just(1u8), 1 => Just(2u8)];
    let counts = (users, resources).prop_map(|(users, resources)| Counts { users, resources });
    let single = step().prop_map(|step| vec![step]);
    let steps = prop::collection::vec(prop_oneof![16 => single, 2 => race(), 1 => outage()], 1..30);
    (capacity, retries, any::<bool>(), status(), counts, steps)
        .prop_map(|(capacity, retries, stale, initial_status, counts, steps)| {
            let mut steps = steps.concat();
            steps.iter_mut().for_each(|step| step.action.limit_to(counts));
            History { capacity, retries, stale, initial_status, steps }
        })
        .boxed()
}

fn step() -> impl Strategy<Value = Step> {
    (pause(), action()).prop_map(|(pause, action)| Step { pause, action })
}

/// An answer that is under way while something revokes it. Single steps rarely produce
/// this.
fn race() -> impl Strategy<Value = Vec<Step>> {
    let about = (subject(), question(), status());
    let methods = (method(), method(), method());
    let error = Just(Reply::Error(ErrorKind::Server, Some(503)));
    let replies = prop_oneof![3 => Just(Reply::TrueStatus), 2 => error, 1 => reply()];
    let slow = (0..40u32, 20..1000u32, replies)
        .prop_map(|(to_server, to_client, reply)| RequestPlan { to_server, to_client, reply });
    let revoked_by = prop_oneof![
        Just(RevokedBy::OtherQuestion),
        Just(RevokedBy::SameQuestion),
        Just(RevokedBy::Invalidate),
        Just(RevokedBy::Prime),
    ];
    let pauses = (prop::collection::vec(1..60u32, 6), 1..1500u32);
    (about, methods, slow, revoked_by, 0..60u8, pauses).prop_map(
        |(about, (first, second, last), slow, revoked_by, others, (pauses, last_pause))| {
            let (subject, mut question, status) = about;
            question.change_subject(subject);
            let ask = |method, question| Action::Ask { method, question, plan: None };
            let actions = [
                Action::PrimeOthers(others),
                Action::Ask { method: first, question, plan: Some(slow) },
                match revoked_by {
                    RevokedBy::OtherQuestion => ask(second, Question::by_user(subject)),
                    RevokedBy::SameQuestion => ask(Method::GetFresh, question),
                    RevokedBy::Invalidate | RevokedBy::Prime => Action::PrimeOthers(others),
                },
                Action::SetStatus(subject, status),
                match revoked_by {
                    RevokedBy::OtherQuestion => ask(Method::GetFresh, Question::by_user(subject)),
                    RevokedBy::SameQuestion => ask(second, question),
                    RevokedBy::Invalidate => Action::Invalidate(subject),
                    RevokedBy::Prime => Action::Prime(subject, PaymentStatus::Unpaid),
                },
                Action::PrimeOthers(others),
            ];
            actions
                .into_iter()
                .zip(pauses)
                .chain([(ask(last, question), last_pause)])
                .map(|(action, millis)| Step { pause: Pause::Millis(millis), action })
                .collect()
        },
    )
}

/// What revokes the answer in a [`race`].
#[derive(Debug, Clone, Copy)]
enum RevokedBy {
    /// A denial to a question by user.
    OtherQuestion,
    /// A denial to the same question.
    SameQuestion,
    Invalidate,
    Prime,
}

/// An answer that becomes stale, and an outage in which it may be refused or revoked.
fn outage() -> impl Strategy<Value = Vec<Step>> {
    let error = Just(Reply::Error(ErrorKind::Server, Some(503)));
    let replies = prop_oneof![2 => error, 1 => reply()];
    let short = || 1..60u32;
    let until_too_old = prop_oneof![110_000..130_000u32, 590_000..610_000u32];
    let until_asked_again = prop_oneof![1..60u32, 3_580_000..3_620_000u32];
    let pauses = (short(), until_too_old, short(), until_asked_again);
    (subject(), question(), replies, action(), pauses).prop_map(
        |(subject, mut question, reply, between, pauses)| {
            let (short, until_too_old, other_short, until_asked_again) = pauses;
            question.change_subject(subject);
            let get = || Action::Ask { method: Method::Get, question, plan: None };
            let steps = [
                (short, get()),
                (until_too_old, Action::SetDefaultReply(reply)),
                (short, get()),
                (other_short, between),
                (until_asked_again, get()),
                (other_short, Action::SetDefaultReply(Reply::TrueStatus)),
            ];
            steps.map(|(millis, action)| Step { pause: Pause::Millis(millis), action }).to_vec()
        },
    )
}

fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![
        16 => (1..60u32).prop_map(Pause::Millis),
        4 => (60..200u32).prop_map(Pause::Millis),
        4 => Just(Pause::None),
        1 => (1..8u8).prop_map(Pause::Yields),
        4 => (200..2000u32).prop_map(Pause::Millis),
        2 => (2000..15_000u32).prop_map(Pause::Millis),
        1 => (100_000..130_000u32).prop_map(Pause::Millis),
        1 => (580_000..620_000u32).prop_map(Pause::Millis),
        1 => (3_500_000..4_300_000u32).prop_map(Pause::Millis),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        20 => (method(), question(), prop::option::of(request_plan()))
            .prop_map(|(method, question, plan)| Action::Ask { method, question, plan }),
        3 => request_plan().prop_map(Action::PlanNextRequest),
        6 => (subject(), status()).prop_map(|(subject, status)| Action::SetStatus(subject, status)),
        4 => subject().prop_map(Action::Invalidate),
        1 => (subject(), status()).prop_map(|(subject, status)| Action::Prime(subject, status)),
        3 => (1..60u8).prop_map(Action::PrimeOthers),
        1 => any::<u8>().prop_map(Action::DropCall),
        1 => reply().prop_map(Action::SetDefaultReply),
    ]
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![6 => Just(Method::Get), 3 => Just(Method::GetFresh), 1 => Just(Method::GetCached)]
}

fn subject() -> impl Strategy<Value = Subject> {
    (0..4u8, 0..2u8).prop_map(|(user, resource)| Subject { user, resource })
}

fn question() -> impl Strategy<Value = Question> {
    let token = || (subject(), 0..2u8).prop_map(|(subject, number)| Token { subject, number });
    prop_oneof![
        6 => subject().prop_map(Question::by_user),
        3 => token().prop_map(|token| Question {
            token: Some(token),
            user: None,
            resource: Some(token.subject.resource),
        }),
        2 => token().prop_map(|token| Question { token: Some(token), user: None, resource: None }),
        1 => token().prop_map(|token| Question {
            token: Some(token),
            user: Some(token.subject.user),
            resource: Some(token.subject.resource),
        }),
        // May expect another user or plugin than the token is for.
        1 => (token(), prop::option::of(0..4u8), prop::option::of(0..2u8))
            .prop_map(|(token, user, resource)| Question { token: Some(token), user, resource }),
    ]
}

fn status() -> impl Strategy<Value = PaymentStatus> {
    prop_oneof![
        5 => Just(PaymentStatus::Paid),
        4 => Just(PaymentStatus::Unpaid),
        2 => Just(PaymentStatus::Trial),
    ]
}

fn request_plan() -> impl Strategy<Value = RequestPlan> {
    let millis =
        || prop_oneof![3 => Just(0u32), 3 => 1..400u32, 2 => 400..4000u32, 1 => 4000..9000u32];
    (millis(), millis(), reply()).prop_map(|(to_server, to_client, reply)| RequestPlan {
        to_server,
        to_client,
        reply,
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    let error = |kind, status| Just(Reply::Error(kind, status));
    let too_many = |retry_after| Just(Reply::TooManyRequests { retry_after });
    prop_oneof![
        30 => Just(Reply::TrueStatus),
        10 => error(ErrorKind::Server, Some(503)),
        1 => error(ErrorKind::Server, Some(501)),
        1 => error(ErrorKind::Timeout, None),
        1 => error(ErrorKind::Connect, None),
        1 => error(ErrorKind::Transport, None),
        2 => error(ErrorKind::Unauthorized, Some(401)),
        2 => error(ErrorKind::Forbidden, Some(403)),
        1 => error(ErrorKind::BadRequest, Some(400)),
        1 => error(ErrorKind::Mismatch, Some(200)),
        1 => error(ErrorKind::InvalidResponse, Some(200)),
        1 => Just(Reply::Status(PaymentStatus::NotSupported)),
        1 => Just(Reply::Status(PaymentStatus::Unknown("LATER".to_owned()))),
        1 => too_many(None),
        1 => too_many(Some(1)),
        1 => too_many(Some(396_749)),
    ]
}

impl Action {
    /// Replaces users and resources that the history does not have.
    fn limit_to(&mut self, Counts { users, resources }: Counts) {
        let limit = |subject: &mut Subject| {
            subject.user %= users;
            subject.resource %= resources;
        };
        match self {
            Action::Ask { question, .. } => {
                if let Some(token) = &mut question.token {
                    limit(&mut token.subject);
                }
                question.user = question.user.map(|user| user % users);
                question.resource = question.resource.map(|resource| resource % resources);
            }
            Action::SetStatus(subject, _)
            | Action::Invalidate(subject)
            | Action::Prime(subject, _) => limit(subject),
            Action::PlanNextRequest(_)
            | Action::SetDefaultReply(_)
            | Action::PrimeOthers(_)
            | Action::DropCall(_) => {}
        }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = match self.capacity {
            UNBOUNDED => "room for all entries".to_owned(),
            entries => format!("{entries} entries at most"),
        };
        let retries = if self.retries { "retries" } else { "no retries" };
        let stale = if self.stale { "stale answers for an hour" } else { "no stale answers" };
        write!(
            f,
            "A cache with {entries}, {retries}, {stale}. All users are {} at first.",
            self.initial_status
        )?;
        for (number, step) in (1..).zip(&self.steps) {
            write!(f, "\n{number:>3}. {step:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pause {
            Pause::None => f.write_str("at once: ")?,
            Pause::Yields(times) => write!(f, "after other tasks ran {times} times: ")?,
            Pause::Millis(millis) => write!(f, "{} ms later: ", millis.next_multiple_of(4))?,
        }
        match &self.action {
            Action::Ask { method, question, plan } => {
                let method = match method {
                    Method::Get => "get",
                    Method::GetFresh => "get_fresh",
                    Method::GetCached => "get_cached",
                };
                write!(f, "call `{method}` {question}")?;
                match plan {
                    Some(plan) => write!(f, "; the next request is {plan}"),
                    None => Ok(()),
                }
            }
            Action::PlanNextRequest(plan) => write!(f, "the next request without a plan is {plan}"),
            Action::SetDefaultReply(reply) => {
                write!(f, "from now on, requests without a plan are answered with {reply}")
            }
            Action::SetStatus(subject, status) => write!(f, "{subject} become {status}"),
            Action::Invalidate(subject) => write!(f, "`invalidate` {subject}"),
            Action::Prime(subject, status) => write!(f, "`prime` {subject} with {status}"),
            Action::PrimeOthers(count) => write!(f, "`prime` other users {count} times"),
            Action::DropCall(index) => write!(f, "one of the calls under way is dropped ({index})"),
        }
    }
}

impl fmt::Display for RequestPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RequestPlan { to_server, to_client, reply } = self;
        write!(
            f,
            "at the server after {to_server} ms and answered {to_client} ms later with {reply}"
        )
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::TrueStatus => f.write_str("the true status"),
            Reply::Status(status) => write!(f, "{status}"),
            Reply::Error(_, Some(status)) if *status != 200 => write!(f, "{status}"),
            Reply::Error(kind, _) => write!(f, "the error {kind:?}"),
            Reply::TooManyRequests { retry_after: None } => f.write_str("429"),
            Reply::TooManyRequests { retry_after: Some(wait) } => {
                write!(f, "429 with `Retry-After: {wait}`")
            }
        }
    }
}
