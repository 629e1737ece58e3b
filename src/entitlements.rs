//! Cached answers (feature `cache`): who may, where the answer comes from, and
//! how old it is. Fails closed.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use equivalent::Equivalent;
use moka::future::Cache;
use tokio::time::Instant;

use crate::{
    Client, Error, ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus, Resource, UserId,
};

/// An answer, and what it is worth.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entitlement {
    /// What Figma answered.
    pub payment: PaymentInformation,
    /// Where this answer comes from.
    pub source: Source,
    /// When Figma gave it.
    pub checked_at: SystemTime,
}

impl Entitlement {
    /// Whether the user may go on; see
    /// [`PaymentInformation::grants_access`].
    pub fn grants_access(&self) -> bool {
        self.payment.grants_access()
    }
}

/// Where an [`Entitlement`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Figma was asked just now, by this call or by one that it waited for.
    Fresh,
    /// An earlier answer that is still good.
    Cached,
    /// An earlier answer that is no longer good, given because Figma cannot be
    /// reached; only with [`EntitlementsBuilder::stale_if_error`].
    Stale,
}

/// Answers from memory, and from Figma where memory has none.
///
/// However many ask the same at once, Figma is asked once; an error is shared
/// by those who waited for it and is not kept. An answer by payment token is also
/// kept under the user and resource that it is about; the token itself is
/// not kept, only a keyed hash of it.
///
/// Asked by token, memory is per token: have your plugin keep its token and send
/// the same one until you answer 401. A new token is always a call to Figma, and
/// has no stale answer in an outage. What is kept under a token ends with its time
/// or with [`get_fresh`](Self::get_fresh) of that token; a newer answer by user,
/// [`prime`](Self::prime) and [`invalidate`](Self::invalidate) do not change it.
///
/// An answer is good for a while that depends on it: see
/// [`EntitlementsBuilder`]. Cheap to clone; clones share the memory.
///
/// ```no_run
/// # use figma_payments::{Entitlements, ErrorKind, PaymentQuery};
/// # async fn route(entitlements: &Entitlements, query: PaymentQuery) -> u16 {
/// match entitlements.get(query).await {
///     Ok(entitlement) if entitlement.grants_access() => 200,
///     Ok(_) => 402,
///     Err(error) => match error.kind() {
///         ErrorKind::InvalidQuery | ErrorKind::BadRequest => 400,
///         ErrorKind::Unauthorized => 401, // the plugin makes a new token, once
///         ErrorKind::Mismatch => 403,
///         _ => 503, // could not tell: not the same as has not paid
///     },
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Entitlements {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    times: Times,
    cache: Cache<Key, Arc<Entry>>,
    hashers: [RandomState; 2],
    counts: Counts,
}

/// Settings for [`Entitlements`]; made by [`Entitlements::builder`].
///
/// | Setting | Default | Why |
/// |---|---|---|
/// | [`paid_for`](Self::paid_for) | 10 minutes | how long a refund or a lapse may go unseen |
/// | [`trial_for`](Self::trial_for) | 2 minutes | trials end by themselves |
/// | [`unpaid_for`](Self::unpaid_for) | 10 seconds | a purchase has to show at once |
/// | [`stale_if_error`](Self::stale_if_error) | zero: never | whether an outage of Figma's is yours |
/// | [`max_entries`](Self::max_entries) | 100,000 | bounds the memory |
///
/// A status that is unknown or not supported is never kept.
#[derive(Debug, Clone)]
#[must_use]
pub struct EntitlementsBuilder {
    client: Client,
    times: Times,
    max_entries: u64,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    paid: Duration,
    trial: Duration,
    unpaid: Duration,
    stale: Duration,
}

impl Times {
    fn good_for(&self, status: &PaymentStatus) -> Duration {
        match status {
            PaymentStatus::Paid => self.paid,
            PaymentStatus::Trial => self.trial,
            PaymentStatus::Unpaid => self.unpaid,
            PaymentStatus::NotSupported | PaymentStatus::Unknown(_) => Duration::ZERO,
        }
    }
}

impl EntitlementsBuilder {
    /// How long PAID is good.
    pub fn paid_for(mut self, time: Duration) -> Self {
        self.times.paid = time;
        self
    }

    /// How long TRIAL is good.
    pub fn trial_for(mut self, time: Duration) -> Self {
        self.times.trial = time;
        self
    }

    /// How long UNPAID is good.
    pub fn unpaid_for(mut self, time: Duration) -> Self {
        self.times.unpaid = time;
        self
    }

    /// For how long beyond its time a PAID or TRIAL is given again when Figma
    /// cannot be reached, answers 5xx or 429. Never after 400, 401, 403 or any
    /// other refusal, which also ends it for later outages.
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.times.stale = time;
        self
    }

    /// How many answers are kept; those least used go first.
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    /// Makes it, with nothing in memory.
    pub fn build(self) -> Entitlements {
        let times = self.times;
        let longest = times.paid.max(times.trial).max(times.unpaid).saturating_add(times.stale);
        // Beyond a thousand years the cache's own clock would overflow.
        let longest = longest.min(Duration::from_secs(365 * 24 * 60 * 60));
        let cache = Cache::builder().max_capacity(self.max_entries).time_to_live(longest).build();
        let hashers = [RandomState::new(), RandomState::new()];
        let shared =
            Shared { client: self.client, times, cache, hashers, counts: Counts::default() };
        Entitlements { shared: Arc::new(shared) }
    }
}

impl Entitlements {
    /// Keeps the answers of this client, with the defaults.
    pub fn new(client: Client) -> Self {
        Entitlements::builder(client).build()
    }

    /// Keeps the answers of this client, with settings of your own.
    pub fn builder(client: Client) -> EntitlementsBuilder {
        let times = Times {
            paid: Duration::from_secs(600),
            trial: Duration::from_secs(120),
            unpaid: Duration::from_secs(10),
            stale: Duration::ZERO,
        };
        EntitlementsBuilder { client, times, max_entries: 100_000 }
    }

    /// The answer, from memory if it is good there, else from Figma.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`], unless
    /// [`stale_if_error`](EntitlementsBuilder::stale_if_error) allows an earlier
    /// answer in its place.
    pub async fn get(&self, query: impl Into<PaymentQuery>) -> Result<Entitlement, Error> {
        let Shared { times, cache, counts, .. } = &*self.shared;
        let query = query.into();
        if let Some(cached) = self.remembered(&query).await {
            count(&counts.hits);
            return Ok(cached);
        }
        count(&counts.misses);
        let asked = AtomicBool::new(false);
        let ask = async {
            asked.store(true, Ordering::Relaxed);
            self.ask(&query).await
        };
        let stands = |entry: &Arc<Entry>| entry.good(times).is_some();
        let entry = cache.entry(self.key(&query)).or_insert_with_if(ask, |it| !stands(it)).await;
        if !asked.into_inner() {
            count(&counts.coalesced);
        }
        self.outcome(&query, entry.value())
    }

    /// The answer from Figma, whatever memory has; memory keeps it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`]; no stale answer takes their place.
    pub async fn get_fresh(&self, query: impl Into<PaymentQuery>) -> Result<Entitlement, Error> {
        let query = query.into();
        count(&self.shared.counts.misses);
        let entry = self.ask(&query).await;
        self.shared.cache.insert(self.key(&query), Arc::clone(&entry)).await;
        match &entry.error {
            Some(error) => Err(error.clone()),
            None => self.outcome(&query, &entry),
        }
    }

    /// The answer from memory, if there is one and it is still good.
    pub async fn get_cached(&self, query: impl Into<PaymentQuery>) -> Option<Entitlement> {
        let cached = self.remembered(&query.into()).await;
        let Counts { hits, misses, .. } = &self.shared.counts;
        count(if cached.is_some() { hits } else { misses });
        cached
    }

    /// Forgets what is known of a user and a resource. What was asked by payment
    /// token is forgotten under its token only when its time is over.
    pub async fn invalidate(&self, user: &UserId, resource: &Resource) {
        self.shared.cache.invalidate(&ByUser(user, resource)).await;
    }

    /// Puts an answer into memory that was got in another way, as if it were
    /// given now. Does nothing with one about an unknown kind of resource.
    pub async fn prime(&self, payment: PaymentInformation) {
        self.remember(&Known::now(payment)).await;
    }

    /// What happened so far.
    pub fn counters(&self) -> CacheCounters {
        let counts = &self.shared.counts;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheCounters {
            hits: read(&counts.hits),
            misses: read(&counts.misses),
            coalesced: read(&counts.coalesced),
            stale: read(&counts.stale),
            errors: read(&counts.errors),
        }
    }

    async fn remembered(&self, query: &PaymentQuery) -> Option<Entitlement> {
        let Shared { times, cache, .. } = &*self.shared;
        let entry = match (query.payment_token(), query.user(), query.resource()) {
            (None, Some(user), Some(resource)) => cache.get(&ByUser(user, resource)).await?,
            _ => cache.get(&self.key(query)).await?,
        };
        let known = entry.good(times)?;
        query.verify(&known.payment).ok()?;
        Some(known.entitlement(Source::Cached))
    }

    /// Asks Figma; what comes of it stands in place of what was known.
    async fn ask(&self, query: &PaymentQuery) -> Arc<Entry> {
        let outcome = self.shared.client.get_payments(query.clone()).await;
        Arc::new(match outcome {
            Ok(payment) => {
                let known = Known::now(payment);
                if query.payment_token().is_some() {
                    self.remember(&known).await;
                }
                Entry { known: Some(known), error: None }
            }
            Err(error) => {
                count(&self.shared.counts.errors);
                let earlier = match may_be_bridged(&error) {
                    true => self.shared.cache.get(&self.key(query)).await,
                    false => None,
                };
                let known = earlier.and_then(|earlier| earlier.known.clone());
                Entry { known, error: Some(error) }
            }
        })
    }

    async fn remember(&self, known: &Known) {
        let Some(resource) = known.payment.resource() else { return };
        let Ok(user) = UserId::try_from(known.payment.user_id.as_str()) else { return };
        let entry = Arc::new(Entry { known: Some(known.clone()), error: None });
        self.shared.cache.insert(Key::User(user, resource), entry).await;
    }

    fn outcome(&self, query: &PaymentQuery, entry: &Entry) -> Result<Entitlement, Error> {
        let Shared { times, counts, .. } = &*self.shared;
        match (&entry.error, &entry.known) {
            (None, Some(known)) => {
                query.verify(&known.payment)?;
                Ok(known.entitlement(Source::Fresh))
            }
            (Some(error), Some(known)) if known.may_bridge(times) => {
                query.verify(&known.payment).map_err(|_| error.clone())?;
                count(&counts.stale);
                Ok(known.entitlement(Source::Stale))
            }
            (Some(error), _) => Err(error.clone()),
            (None, None) => Err(Error::new(ErrorKind::InvalidResponse, "no answer was kept")),
        }
    }

    fn key(&self, query: &PaymentQuery) -> Key {
        match (query.payment_token(), query.user(), query.resource()) {
            (None, Some(user), Some(resource)) => Key::User(user.clone(), resource.clone()),
            (token, user, resource) => {
                let token = token.map(|token| token.as_str());
                let hashes = self.shared.hashers.each_ref().map(|hasher| hasher.hash_one(token));
                Key::Token(hashes, user.cloned(), resource.cloned())
            }
        }
    }
}

/// What was asked. Two hashes, keyed anew in every process, make 128 bits; they
/// cannot be turned back into the token.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    User(UserId, Resource),
    Token([u64; 2], Option<UserId>, Option<Resource>),
}

/// [`Key::User`], borrowed: most look-ups need no copy.
struct ByUser<'a>(&'a UserId, &'a Resource);

impl Hash for ByUser<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0, self.1).hash(state);
    }
}

impl Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Key::User(user, resource) => ByUser(user, resource).hash(state),
            Key::Token(hashes, user, resource) => (hashes, user, resource).hash(state),
        }
    }
}

impl Equivalent<Key> for ByUser<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        matches!(key, Key::User(user, resource) if self.0 == user && self.1 == resource)
    }
}

/// What came of asking, and what was known before if it was an error.
#[derive(Debug)]
struct Entry {
    known: Option<Known>,
    error: Option<Error>,
}

impl Entry {
    /// What is known, while it is good. An error never stands in memory: the
    /// next one asks again.
    fn good(&self, times: &Times) -> Option<&Known> {
        let known = self.known.as_ref().filter(|_| self.error.is_none())?;
        (known.at.elapsed() < times.good_for(&known.payment.payment_status)).then_some(known)
    }
}

#[derive(Debug, Clone)]
struct Known {
    payment: PaymentInformation,
    at: Instant,
    checked_at: SystemTime,
}

impl Known {
    fn now(payment: PaymentInformation) -> Self {
        Known { payment, at: Instant::now(), checked_at: SystemTime::now() }
    }

    fn may_bridge(&self, times: &Times) -> bool {
        let good_for = times.good_for(&self.payment.payment_status).saturating_add(times.stale);
        self.payment.grants_access() && !times.stale.is_zero() && self.at.elapsed() < good_for
    }

    fn entitlement(&self, source: Source) -> Entitlement {
        Entitlement { payment: self.payment.clone(), source, checked_at: self.checked_at }
    }
}

/// Whether an earlier answer may stand in for this failure.
fn may_be_bridged(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::Server
            | ErrorKind::RateLimited
    )
}

/// How often things happened to an [`Entitlements`] and all its clones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheCounters {
    /// Answered from memory.
    pub hits: u64,
    /// Not in memory, or no longer good there.
    pub misses: u64,
    /// Misses that waited for another call's answer.
    pub coalesced: u64,
    /// Answered with an answer that was no longer good.
    pub stale: u64,
    /// Calls to Figma that gave an error, refused and mismatched ones included.
    pub errors: u64,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    coalesced: AtomicU64,
    stale: AtomicU64,
    errors: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
