//! What a history is made of, how one is drawn, and how it reads.

use std::fmt;

use proptest::prelude::*;

use super::model::Method;
use super::question::{Question, Subject, Token};
use crate::error::ErrorKind;
use crate::model::payment::PaymentStatus;

/// A history, and the settings of the cache that lives through it.
#[derive(Clone)]
pub(super) struct History {
    pub(super) capacity: u64,
    pub(super) retries: bool,
    pub(super) stale: bool,
    /// Whether memory makes room after each step that writes, or when it pleases.
    pub(super) tidy: bool,
    /// How everybody stands before anything happens.
    pub(super) at_first: PaymentStatus,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone)]
pub(super) struct Step {
    pub(super) pause: Pause,
    pub(super) deed: Deed,
}

/// What passes before a step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pause {
    /// Nothing at all: what was begun has not even run yet.
    None,
    /// Others take so many turns, at the same instant.
    Turns(u8),
    Millis(u32),
}

#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Somebody asks; the fate is that of the next request.
    Ask(Method, Question, Option<Fate>),
    /// Settles the fate of the next request for which nothing is settled yet.
    Next(Fate),
    /// From now on, requests without a fate of their own meet this.
    Weather(Reply),
    /// Somebody buys, tries, is refunded.
    Becomes(Subject, PaymentStatus),
    Invalidate(Subject),
    Prime(Subject, PaymentStatus),
    /// So many answers about a few other users are primed, who are in demand.
    Strangers(u8),
    /// One of those who wait goes away.
    Leave(u8),
}

/// What becomes of a request: the server decides when it sees it, and the answer
/// takes its time.
#[derive(Debug, Clone)]
pub(super) struct Fate {
    pub(super) there: u32,
    pub(super) back: u32,
    pub(super) reply: Reply,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Truth,
    /// A status that gives no access and is not kept.
    Says(PaymentStatus),
    Fails(ErrorKind, Option<u16>),
    TooManyRequests {
        retry_after: Option<u32>,
    },
}

/// What may happen in the histories that are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Anything.
    All,
    /// Each question is one request, so that it goes out when it is asked.
    WithoutRetries,
    /// Nothing has to give way to anything.
    Roomy,
}

/// More than is ever put in.
pub(super) const ROOMY: u64 = 1000;

pub(super) fn histories(scope: Scope) -> BoxedStrategy<History> {
    let capacity = match scope {
        Scope::Roomy => Just(ROOMY).boxed(),
        Scope::WithoutRetries => (1..=20u64).boxed(),
        Scope::All => prop_oneof![1 => Just(ROOMY), 3 => 1..=20u64].boxed(),
    };
    let retries =
        if scope == Scope::WithoutRetries { Just(false).boxed() } else { any::<bool>().boxed() };
    let cast =
        (prop_oneof![3 => Just(1u8), 1 => 2..=4u8], prop_oneof![4 => Just(1u8), 1 => Just(2u8)]);
    let alone = step().prop_map(|step| vec![step]);
    let steps = prop::collection::vec(prop_oneof![16 => alone, 2 => race(), 1 => outage()], 1..30);
    let settings = (capacity, retries, any::<bool>(), any::<bool>(), status());
    (settings, cast, steps)
        .prop_map(|((capacity, retries, stale, tidy, at_first), (users, resources), steps)| {
            let mut steps = steps.concat();
            steps.iter_mut().for_each(|step| step.deed.keep_to(users, resources));
            History { capacity, retries, stale, tidy, at_first, steps }
        })
        .boxed()
}

fn step() -> impl Strategy<Value = Step> {
    (pause(), deed()).prop_map(|(pause, deed)| Step { pause, deed })
}

/// An answer that crosses with what ends it, about one user: steps drawn one by
/// one come to it more rarely.
fn race() -> impl Strategy<Value = Vec<Step>> {
    let cast = (subject(), question(), status());
    let fails = Just(Reply::Fails(ErrorKind::Server, Some(503)));
    let replies = prop_oneof![3 => Just(Reply::Truth), 2 => fails, 1 => reply()];
    let slow = (0..40u32, 20..1000u32, replies).prop_map(|(there, back, reply)| Fate {
        there,
        back,
        reply,
    });
    let pauses = (prop::collection::vec(1..60u32, 6), 1..1500u32);
    (cast, (method(), method(), method()), slow, 0..4u8, 0..60u8, pauses).prop_map(
        |((subject, mut question, status), (first, second, last), slow, ender, crowd, pauses)| {
            question.keep_to_subject(subject);
            let deeds = [
                Deed::Strangers(crowd),
                Deed::Ask(first, question, Some(slow)),
                match ender {
                    0 => Deed::Ask(second, Question::by_user(subject), None),
                    1 => Deed::Ask(Method::GetFresh, question, None),
                    _ => Deed::Strangers(crowd),
                },
                Deed::Becomes(subject, status),
                match ender {
                    0 => Deed::Ask(Method::GetFresh, Question::by_user(subject), None),
                    1 => Deed::Ask(second, question, None),
                    2 => Deed::Invalidate(subject),
                    _ => Deed::Prime(subject, PaymentStatus::Unpaid),
                },
                Deed::Strangers(crowd),
            ];
            let steps = deeds.into_iter().zip(pauses.0);
            let last = (Deed::Ask(last, question, None), pauses.1);
            steps
                .chain([last])
                .map(|(deed, millis)| Step { pause: Pause::Millis(millis), deed })
                .collect()
        },
    )
}

/// An answer that grows old, and an outage, in which it may be refused or ended.
fn outage() -> impl Strategy<Value = Vec<Step>> {
    let fails = Just(Reply::Fails(ErrorKind::Server, Some(503)));
    let replies = prop_oneof![2 => fails, 1 => reply()];
    let pauses = (1..60u32, prop_oneof![110_000..130_000u32, 590_000..610_000u32], 1..60u32);
    let again = prop_oneof![1..60u32, 3_580_000..3_620_000u32];
    (subject(), question(), replies, deed(), (pauses, again)).prop_map(
        |(subject, mut question, reply, between, (pauses, again))| {
            question.keep_to_subject(subject);
            let steps = [
                (pauses.0, Deed::Ask(Method::Get, question, None)),
                (pauses.1, Deed::Weather(reply)),
                (pauses.0, Deed::Ask(Method::Get, question, None)),
                (pauses.2, between),
                (again, Deed::Ask(Method::Get, question, None)),
                (pauses.2, Deed::Weather(Reply::Truth)),
            ];
            steps.map(|(millis, deed)| Step { pause: Pause::Millis(millis), deed }).to_vec()
        },
    )
}

fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![
        16 => (1..60u32).prop_map(Pause::Millis),
        4 => (60..200u32).prop_map(Pause::Millis),
        4 => Just(Pause::None),
        1 => (1..8u8).prop_map(Pause::Turns),
        4 => (200..2000u32).prop_map(Pause::Millis),
        2 => (2000..15_000u32).prop_map(Pause::Millis),
        1 => (100_000..130_000u32).prop_map(Pause::Millis),
        1 => (580_000..620_000u32).prop_map(Pause::Millis),
        1 => (3_500_000..4_300_000u32).prop_map(Pause::Millis),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        20 => (method(), question(), prop::option::of(fate()))
            .prop_map(|(method, question, fate)| Deed::Ask(method, question, fate)),
        3 => fate().prop_map(Deed::Next),
        6 => (subject(), status()).prop_map(|(subject, status)| Deed::Becomes(subject, status)),
        4 => subject().prop_map(Deed::Invalidate),
        1 => (subject(), status()).prop_map(|(subject, status)| Deed::Prime(subject, status)),
        3 => (1..60u8).prop_map(Deed::Strangers),
        1 => any::<u8>().prop_map(Deed::Leave),
        1 => reply().prop_map(Deed::Weather),
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
        // Perhaps not the user or the plugin that the token is for.
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

fn fate() -> impl Strategy<Value = Fate> {
    let takes =
        || prop_oneof![3 => Just(0u32), 3 => 1..400u32, 2 => 400..4000u32, 1 => 4000..9000u32];
    (takes(), takes(), reply()).prop_map(|(there, back, reply)| Fate { there, back, reply })
}

fn reply() -> impl Strategy<Value = Reply> {
    let fails = |kind, status| Just(Reply::Fails(kind, status));
    let too_many = |retry_after| Just(Reply::TooManyRequests { retry_after });
    prop_oneof![
        30 => Just(Reply::Truth),
        10 => fails(ErrorKind::Server, Some(503)),
        1 => fails(ErrorKind::Server, Some(501)),
        1 => fails(ErrorKind::Timeout, None),
        1 => fails(ErrorKind::Connect, None),
        1 => fails(ErrorKind::Transport, None),
        2 => fails(ErrorKind::Unauthorized, Some(401)),
        2 => fails(ErrorKind::Forbidden, Some(403)),
        1 => fails(ErrorKind::BadRequest, Some(400)),
        1 => fails(ErrorKind::Mismatch, Some(200)),
        1 => fails(ErrorKind::InvalidResponse, Some(200)),
        1 => Just(Reply::Says(PaymentStatus::NotSupported)),
        1 => Just(Reply::Says(PaymentStatus::Unknown("LATER".to_owned()))),
        1 => too_many(None),
        1 => too_many(Some(1)),
        1 => too_many(Some(396_749)),
    ]
}

impl Deed {
    /// Keeps to the users and plugins that there are.
    fn keep_to(&mut self, users: u8, resources: u8) {
        let keep = |subject: &mut Subject| {
            subject.user %= users;
            subject.resource %= resources;
        };
        match self {
            Deed::Ask(_, question, _) => {
                if let Some(token) = &mut question.token {
                    keep(&mut token.subject);
                }
                question.user = question.user.map(|user| user % users);
                question.resource = question.resource.map(|resource| resource % resources);
            }
            Deed::Becomes(subject, _) | Deed::Invalidate(subject) | Deed::Prime(subject, _) => {
                keep(subject);
            }
            Deed::Next(_) | Deed::Weather(_) | Deed::Strangers(_) | Deed::Leave(_) => {}
        }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = match self.capacity {
            ROOMY => "room for all entries".to_owned(),
            few if self.tidy => format!("{few} entries at most"),
            few => format!("{few} entries at most, which makes room late"),
        };
        let retries = if self.retries { "retries" } else { "no retries" };
        let stale = if self.stale { "stale answers for an hour" } else { "no stale answers" };
        write!(
            f,
            "A cache with {entries}, {retries}, {stale}. All are {} at first.",
            self.at_first
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
            Pause::Turns(turns) => write!(f, "after {turns} turns of the others: ")?,
            Pause::Millis(millis) => write!(f, "{} ms later: ", millis.next_multiple_of(4))?,
        }
        match &self.deed {
            Deed::Ask(method, question, fate) => {
                let method = match method {
                    Method::Get => "get",
                    Method::GetFresh => "get_fresh",
                    Method::GetCached => "get_cached",
                };
                write!(f, "somebody calls `{method}` {question}")?;
                fate.as_ref().map_or(Ok(()), |fate| write!(f, "; the next request is {fate}"))
            }
            Deed::Next(fate) => write!(f, "the next request but those settled is {fate}"),
            Deed::Weather(reply) => {
                write!(f, "from now on, other requests are answered with {reply}")
            }
            Deed::Becomes(subject, status) => write!(f, "{subject} become {status}"),
            Deed::Invalidate(subject) => write!(f, "`invalidate` {subject}"),
            Deed::Prime(subject, status) => write!(f, "`prime` {subject} with {status}"),
            Deed::Strangers(count) => write!(f, "`prime` others {count} times"),
            Deed::Leave(which) => write!(f, "one who waits goes away ({which})"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fate { there, back, reply } = self;
        write!(f, "seen after {there} ms and answered {back} ms later with {reply}")
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Truth => f.write_str("the truth"),
            Reply::Says(status) => write!(f, "{status}"),
            Reply::Fails(_, Some(status)) if *status != 200 => write!(f, "{status}"),
            Reply::Fails(kind, _) => write!(f, "the error {kind:?}"),
            Reply::TooManyRequests { retry_after: None } => f.write_str("429"),
            Reply::TooManyRequests { retry_after: Some(wait) } => {
                write!(f, "429 that asks to wait {wait} s")
            }
        }
    }
}
