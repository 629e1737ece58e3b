//! What a test and a process of the fleet say to each other: lines of JSON. The first line
//! that a process reads is its [`Settings`], and each further one an [`Order`] with a
//! number. It writes [`Report`]s with the number of the order that they are about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;

/// The settings of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Its `User-Agent`, by which the server knows it.
    pub name: String,
    /// Figma's URL.
    pub base_url: String,
    /// The access token.
    pub access_token: String,
    /// `None`: it is alone.
    pub redis: Option<Shared>,
    /// Requests a minute by user, for the whole account; 0 for no limit.
    pub per_minute: u32,
    /// How many may be sent at once after a quiet time.
    pub burst: Option<u32>,
    /// The longest time for a call.
    pub deadline_ms: u64,
    /// How long PAID is kept.
    pub paid_ttl_ms: u64,
    /// How long UNPAID is kept.
    pub unpaid_ttl_ms: u64,
    /// How often a call may send a request.
    pub max_attempts: u32,
    /// Whether its log has all events of all crates.
    pub logs_all: bool,
}

/// What a process shares.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shared {
    /// The URL of a Redis.
    pub url: String,
    /// Which fleet it belongs to.
    pub namespace: String,
    /// For `.sealed`.
    pub secret: Option<String>,
    /// For `.timeout`.
    pub timeout_ms: Option<u64>,
    /// For `.fallback_share`.
    pub fallback_share: Option<f64>,
    /// For `.replicas`.
    pub replicas: Option<u32>,
    /// For `.node`, each.
    pub nodes: Vec<String>,
    /// For `.sentinel`.
    pub sentinel: Option<String>,
    /// For `.root_certificates`.
    pub root_certificates: Option<String>,
}

impl Settings {
    /// A process with this name that is alone: without a limit, and without retries, so
    /// that a request is a call.
    pub fn alone(name: impl ToString, base_url: impl ToString) -> Self {
        Settings {
            name: name.to_string(),
            base_url: base_url.to_string(),
            access_token: "figd_fleet-access".to_owned(),
            redis: None,
            per_minute: 0,
            burst: None,
            deadline_ms: 12_000,
            paid_ttl_ms: 600_000,
            unpaid_ttl_ms: 10_000,
            max_attempts: 1,
            logs_all: false,
        }
    }

    /// One that shares by this Redis, with the defaults.
    pub fn sharing(
        name: impl ToString,
        base_url: impl ToString,
        url: impl ToString,
        namespace: impl ToString,
    ) -> Self {
        let shared = Shared {
            url: url.to_string(),
            namespace: namespace.to_string(),
            secret: None,
            timeout_ms: None,
            fallback_share: None,
            replicas: None,
            nodes: Vec::new(),
            sentinel: None,
            root_certificates: None,
        };
        Settings { redis: Some(shared), ..Settings::alone(name, base_url) }
    }
}

/// A question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Question {
    /// About this user and [`PLUGIN`](crate::figma::PLUGIN).
    User(u64),
    /// By this payment token and [`PLUGIN`](crate::figma::PLUGIN).
    Token(String),
}

/// By which of the library's methods a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// `Entitlements::get`.
    Get,
    /// `Entitlements::get_fresh`.
    Fresh,
    /// `Entitlements::get_cached`.
    Cached,
    /// `Client::get_payments`.
    Call,
}

/// What a process is to do. Orders are done side by side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Order {
    /// Asks this once: [`Report::Answer`].
    Ask {
        /// By which method.
        how: How,
        /// What.
        question: Question,
    },
    /// Many callers ask the same at once: [`Report::Asked`] as soon as all wait, and
    /// [`Report::Load`] when all have been answered.
    AskTogether {
        /// How many.
        callers: usize,
        /// By which method.
        how: How,
        /// What.
        question: Question,
    },
    /// Callers ask about users, one after the other, for some time: [`Report::Load`].
    Load {
        /// How many callers.
        callers: usize,
        /// By which method.
        how: How,
        /// The first of the users.
        first_user: u64,
        /// How many users. Each caller takes one at random.
        users: u64,
        /// For how long.
        for_ms: u64,
        /// How long a caller rests after each answer.
        rest_ms: u64,
    },
    /// `Client::get_payments_all` about these users: [`Report::Load`].
    Batch {
        /// The first of the users.
        first_user: u64,
        /// How many.
        users: u64,
    },
    /// `Entitlements::invalidate`: [`Report::Done`].
    Invalidate {
        /// Whose answer.
        user: u64,
    },
    /// `Entitlements::prime_at`: [`Report::Done`].
    Prime {
        /// The first of the users.
        first_user: u64,
        /// How many.
        users: u64,
        /// A payment status, such as `PAID`.
        status: String,
        /// How long ago Figma was asked.
        age_ms: u64,
    },
    /// What the process has counted: [`Report::Counts`].
    Count,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The payment status.
    pub status: String,
    /// Whether it gives access.
    pub grants_access: bool,
    /// `fresh`, `cached`, `stale`; `call` for an answer of the client.
    pub source: String,
    /// The date of purchase; [`When::parse`](crate::figma::When::parse) reads it.
    pub date: String,
    /// How long it took.
    pub micros: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of the error, such as `rate_limited`.
    pub kind: String,
    /// All that it says.
    pub message: String,
    /// How many requests were sent.
    pub attempts: u32,
}

/// What a load came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Load {
    /// How long each call took.
    pub times: Histogram,
    /// How many answers came from where.
    pub sources: BTreeMap<String, u64>,
    /// How many answers had which status.
    pub statuses: BTreeMap<String, u64>,
    /// How many errors had which kind and message.
    pub errors: BTreeMap<String, u64>,
    /// How old the oldest answer was that gave access, from the request at the server to
    /// the begin of the call that got it.
    pub oldest_ms: u64,
}

impl Load {
    /// Adds another one.
    pub fn merge(&mut self, other: &Load) {
        self.times.merge(&other.times);
        for (mine, others) in [
            (&mut self.sources, &other.sources),
            (&mut self.statuses, &other.statuses),
            (&mut self.errors, &other.errors),
        ] {
            for (name, count) in others {
                *mine.entry(name.clone()).or_default() += count;
            }
        }
        self.oldest_ms = self.oldest_ms.max(other.oldest_ms);
    }

    /// How many errors there were.
    pub fn errors(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// What a process reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Report {
    /// It is ready for orders. Has the number 0.
    Ready,
    /// It cannot start: what `connect` or `build` said. Has the number 0.
    Refused(Failure),
    /// All callers wait.
    Asked,
    /// The answer.
    Answer(Result<Answer, Failure>),
    /// Nothing in memory: `get_cached` gave nothing.
    Nothing,
    /// What a load came to.
    Load(Load),
    /// It is done, or has failed.
    Done(Result<(), Failure>),
    /// What it has counted, by name.
    Counts(BTreeMap<String, u64>),
}
