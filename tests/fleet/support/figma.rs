//! A Figma that counts who asks how often, and limits by leaky buckets.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use figma_payments::sandbox::{Gate, Reply, Request, ScriptedServer};
use serde_json::json;

use crate::{runtime, wait};

/// The plugin that questions by payment token are about. A float would change its id.
pub const PLUGIN: &str = "1678669904810665842";

/// A leaky bucket: each request adds a drop, and one that would overflow it gets a 429.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// How many drops it holds.
    pub size: f64,
    /// How many leak out in a minute.
    pub per_minute: f64,
}

/// What is answered about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A payment status, such as `PAID`.
    Status(&'static str),
    /// An error with this HTTP status.
    Error(u16),
}

/// A request that has arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its number, from 1. [`When`] has it too.
    pub number: u64,
    /// When it arrived.
    pub at: Instant,
    /// The `User-Agent`: each process has its own.
    pub by: String,
    /// Whom it asked about.
    pub user: String,
    /// Whether it asked by payment token.
    pub by_token: bool,
    /// The status of the answer: 200, 429, or another error.
    pub status: u16,
}

/// Which request an answer is from: the server writes it where Figma writes the date of
/// purchase, which clients keep as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The number of the request, from 1.
    pub number: u64,
    /// When it arrived, in microseconds since 1970.
    pub micros: u64,
}

impl When {
    /// Reads a date of purchase.
    pub fn parse(date: &str) -> Option<Self> {
        let (number, micros) = date.split_once('@')?;
        Some(When { number: number.parse().ok()?, micros: micros.parse().ok()? })
    }
}

/// The server. It stops when it is dropped.
#[derive(Debug)]
pub struct Figma {
    server: ScriptedServer,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    arrivals: Vec<Arrival>,
    by_user: Option<Level>,
    by_token: Option<Level>,
    users: HashMap<String, About>,
    tokens: HashMap<String, String>,
    everybody: Option<About>,
    gate: Option<Gate>,
    delay: Duration,
}

impl Figma {
    /// Answers everybody with PAID, without a limit.
    ///
    /// # Panics
    ///
    /// If there is no port for it.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = ScriptedServer::start(move |request| lock(&shared).reply(request));
        let server = runtime::run(server).expect("a port of loopback is free");
        Figma { server, state }
    }

    /// For the client's `base_url`.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The limit of questions by user from now on, with an empty bucket; `None` for none.
    pub fn limit_by_user(&self, bucket: Option<Bucket>) {
        lock(&self.state).by_user = bucket.map(Level::empty);
    }

    /// The limit of questions by payment token.
    pub fn limit_by_token(&self, bucket: Option<Bucket>) {
        lock(&self.state).by_token = bucket.map(Level::empty);
    }

    /// What is answered about this user from now on.
    pub fn set(&self, user: impl ToString, about: About) {
        lock(&self.state).users.insert(user.to_string(), about);
    }

    /// What is answered about everybody from now on, whatever [`set`](Self::set) says;
    /// `None` ends this.
    pub fn set_everybody(&self, about: Option<About>) {
        lock(&self.state).everybody = about;
    }

    /// Accepts this payment token for this user and [`PLUGIN`].
    pub fn accept_token(&self, token: &str, user: impl ToString) {
        lock(&self.state).tokens.insert(token.to_owned(), user.to_string());
    }

    /// Holds the answers to all requests from now on, until the gate is open or
    /// [`answer`](Self::answer) is called. Requests after that are answered at once.
    pub fn hold(&self) -> Gate {
        let gate = Gate::new();
        lock(&self.state).gate = Some(gate.clone());
        gate
    }

    /// Answers what was held.
    pub fn answer(&self) {
        if let Some(gate) = lock(&self.state).gate.take() {
            gate.open();
        }
    }

    /// How long each answer takes from now on.
    pub fn set_delay(&self, delay: Duration) {
        lock(&self.state).delay = delay;
    }

    /// All requests so far, oldest first.
    pub fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.state).arrivals.clone()
    }

    /// How many requests there were so far.
    pub fn count(&self) -> usize {
        lock(&self.state).arrivals.len()
    }

    /// Waits until this many requests have arrived since the start.
    ///
    /// # Panics
    ///
    /// If they have not within `limit`.
    pub fn wait_for(&self, requests: usize, limit: Duration) {
        wait::until_so("requests at Figma's", limit, || self.count() >= requests);
    }
}

/// How many of these requests each process sent.
pub fn by_process(arrivals: &[Arrival]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for arrival in arrivals {
        *counts.entry(arrival.by.clone()).or_default() += 1;
    }
    counts
}

impl State {
    fn reply(&mut self, request: &Request) -> Reply {
        let parameter = |name: &str| {
            let mut pairs = form_urlencoded::parse(request.query().as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if request.path() != "/v1/payments" {
            return refuse(404);
        }
        let resources = [
            ("plugin_id", "PLUGIN"),
            ("widget_id", "WIDGET"),
            ("community_file_id", "COMMUNITY_FILE"),
        ];
        let resource = resources.iter().find_map(|(name, kind)| Some((parameter(name)?, *kind)));
        let (id, kind) = resource.unwrap_or_else(|| (PLUGIN.to_owned(), "PLUGIN"));
        let token = parameter("plugin_payment_token");
        let user = match &token {
            Some(token) => self.tokens.get(token).cloned(),
            None => parameter("user_id"),
        };
        let about = match &user {
            Some(user) => self.everybody.or_else(|| self.users.get(user).copied()),
            None => Some(About::Error(401)),
        };
        let bucket = if token.is_some() { &mut self.by_token } else { &mut self.by_user };
        let room = bucket.as_mut().map_or(Ok(()), Level::add);
        let status = match (room, about) {
            (Err(_), _) => 429,
            (_, Some(About::Error(status))) => status,
            _ => 200,
        };
        let user = user.unwrap_or_default();
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let number = self.arrivals.len() + 1;
        let header = request.headers.get("user-agent").and_then(|value| value.to_str().ok());
        self.arrivals.push(Arrival {
            number: number as u64,
            at: Instant::now(),
            by: header.unwrap_or_default().to_owned(),
            user: user.clone(),
            by_token: token.is_some(),
            status,
        });
        let reply = match (room, about) {
            (Err(wait), _) => {
                refuse(429).header("retry-after", &(wait.as_secs_f64().ceil() as u64).to_string())
            }
            (_, Some(About::Error(status))) => refuse(status),
            (_, about) => {
                let paid = match about {
                    Some(About::Status(status)) => status,
                    _ => "PAID",
                };
                let meta = json!({
                    "user_id": user, "resource_id": id, "resource_type": kind,
                    "payment_status": paid, "date_of_purchase": format!("{number}@{micros}"),
                });
                let body = json!({ "status": 200, "error": false, "meta": meta });
                Reply::json(200, body.to_string())
            }
        };
        let reply = reply.after(self.delay);
        match &self.gate {
            Some(gate) => reply.behind(gate),
            None => reply,
        }
    }
}

fn refuse(status: u16) -> Reply {
    let body = json!({ "status": status, "error": true, "message": "as the test has it" });
    Reply::json(status, body.to_string())
}

/// What is in a bucket.
#[derive(Debug)]
struct Level {
    bucket: Bucket,
    drops: f64,
    at: Instant,
}

impl Level {
    fn empty(bucket: Bucket) -> Self {
        Level { bucket, drops: 0.0, at: Instant::now() }
    }

    /// One more drop; or the time until there is room for it.
    fn add(&mut self) -> Result<(), Duration> {
        let now = Instant::now();
        let per_second = self.bucket.per_minute / 60.0;
        let leaked = now.duration_since(self.at).as_secs_f64() * per_second;
        (self.drops, self.at) = ((self.drops - leaked).max(0.0), now);
        let too_much = self.drops + 1.0 - self.bucket.size;
        if too_much > 0.0 {
            return Err(Duration::from_secs_f64(too_much / per_second));
        }
        self.drops += 1.0;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
