//! Cached answers (feature `cache`): who may, where the answer comes from, and
//! how old it is. Fails closed.

mod counters;
mod memory;
mod settings;

use std::borrow::Borrow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use moka::future::Cache;
use moka::ops::compute::Op;
use tokio::time::Instant;

use crate::task::spawn_detached;
use crate::{Client, Error, ErrorKind, PaymentInformation, PaymentQuery, Resource, UserId};
use counters::{Counts, count};
use memory::{ByUser, Entry, Key, Known, Outcome};
use settings::Times;

pub use counters::CacheCounters;
pub use settings::EntitlementsBuilder;

/// An answer, and what it is worth.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entitlement {
    /// What Figma answered, shared with the memory.
    pub payment: Arc<PaymentInformation>,
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
/// In memory, of this process: three processes ask three times, and each starts
/// with nothing, or with what you [`prime`](Self::prime).
///
/// Asked by token, have your plugin keep its token and send the same one until you
/// answer 401, or the user comes back from the checkout: a new token is always a
/// call to Figma, so it shows a purchase at once, and has no stale answer in an
/// outage. A newer answer about the same user and resource, got in whatever way,
/// also stands for the token.
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
///         ErrorKind::Unauthorized => 401, // a new token, once; asking by user: 503
///         ErrorKind::Mismatch => 403,
///         ErrorKind::Configuration => 500,
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
    cache: Cache<Key, Entry>,
    /// The questions under way; it keeps none. Who asks after something was
    /// forgotten does not join a question from before.
    asking: Cache<(Key, u64), Arc<Outcome>>,
    forgotten: AtomicU64,
    tickets: AtomicU64,
    hashers: [RandomState; 2],
    counts: Counts,
}

impl Entitlements {
    /// Keeps the answers of this client, with the defaults.
    pub fn new(client: Client) -> Self {
        Entitlements::builder(client).build()
    }

    /// Keeps the answers of this client, with settings of your own.
    pub fn builder(client: Client) -> EntitlementsBuilder {
        EntitlementsBuilder::new(client)
    }

    fn with(client: Client, times: Times, max_entries: u64, longest: Duration) -> Self {
        let cache = Cache::builder().max_capacity(max_entries).time_to_live(longest).build();
        let hashers = [RandomState::new(), RandomState::new()];
        let asking = Cache::builder().max_capacity(0).build();
        let (forgotten, tickets, counts) = Default::default();
        let shared = Shared { client, times, cache, asking, forgotten, tickets, hashers, counts };
        Entitlements { shared: Arc::new(shared) }
    }

    /// The answer, from memory if it is good there, else from Figma.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`], unless
    /// [`stale_if_error`](EntitlementsBuilder::stale_if_error) allows an earlier
    /// answer in its place.
    pub async fn get(&self, query: impl Borrow<PaymentQuery>) -> Result<Entitlement, Error> {
        let Shared { asking, forgotten, counts, .. } = &*self.shared;
        let query = query.borrow();
        if let Some(known) = self.remembered(query).await {
            count(&counts.hits);
            return Ok(known.entitlement(Source::Cached));
        }
        query.check()?;
        count(&counts.misses);
        let key = (self.key(query), forgotten.load(Ordering::Acquire));
        let ask = {
            let (this, query) = (self.clone(), query.clone());
            async move {
                // Somebody's answer may have come since.
                match this.remembered(&query).await {
                    Some(known) => Arc::new(Outcome::known(known, Source::Cached)),
                    None => Arc::new(this.ask(&query).await),
                }
            }
        };
        // A task: those who wait for it do not depend on the one who began it.
        let asking = asking.clone();
        let ask = async move { asking.entry(key).or_insert_with_if(ask, |_| true).await };
        let outcome = spawn_detached(ask).await;
        if !outcome.is_fresh() {
            count(&counts.coalesced);
        }
        self.entitlement(query, outcome.value())
    }

    /// The answer from Figma, whatever memory has; memory keeps it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`]; no stale answer takes their place.
    pub async fn get_fresh(&self, query: impl Borrow<PaymentQuery>) -> Result<Entitlement, Error> {
        let query = query.borrow();
        query.check()?;
        count(&self.shared.counts.misses);
        let (this, question) = (self.clone(), query.clone());
        let outcome = spawn_detached(async move { this.ask(&question).await }).await;
        match outcome.error {
            Some(error) => Err(error),
            None => self.entitlement(query, &outcome),
        }
    }

    /// The answer from memory, if there is one and it is still good.
    pub async fn get_cached(&self, query: impl Borrow<PaymentQuery>) -> Option<Entitlement> {
        let known = self.remembered(query.borrow()).await;
        let Counts { hits, misses, .. } = &self.shared.counts;
        count(if known.is_some() { hits } else { misses });
        Some(known?.entitlement(Source::Cached))
    }

    /// Forgets what is known of a user and a resource, however it was asked, and
    /// what is still on its way.
    pub async fn invalidate(&self, user: &UserId, resource: &Resource) {
        self.shared.forgotten.fetch_add(1, Ordering::AcqRel);
        let ticket = self.ticket();
        self.put(Key::User(user.clone(), resource.clone()), Entry { ticket, known: None }).await;
    }

    /// Puts an answer into memory that was got in another way, as if it were
    /// given now. Does nothing with one about an unknown kind of resource.
    pub async fn prime(&self, payment: PaymentInformation) {
        let ticket = self.ticket();
        self.remember(Known::new(payment, Instant::now()), ticket).await;
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

    async fn remembered(&self, query: &PaymentQuery) -> Option<Arc<Known>> {
        let Shared { times, cache, .. } = &*self.shared;
        let known = match (query.payment_token(), query.user(), query.resource()) {
            (None, Some(user), Some(resource)) => {
                cache.get(&ByUser::new(user, resource)).await?.known?
            }
            _ => self.newest(cache.get(&self.key(query)).await?.known?).await?,
        };
        (known.is_good(times) && query.verify(&known.payment).is_ok()).then_some(known)
    }

    /// What is known now of the user and resource that an answer by token was
    /// about: what stands under them counts.
    async fn newest(&self, known: Arc<Known>) -> Option<Arc<Known>> {
        self.shared.cache.get(&ByUser::about(&known.payment)).await?.known
    }

    /// Asks Figma; what comes of it stands in place of what was known, but for an
    /// outage, which tells nothing.
    async fn ask(&self, query: &PaymentQuery) -> Outcome {
        let (key, ticket, asked_at) = (self.key(query), self.ticket(), Instant::now());
        match self.shared.client.get_payments(query.clone()).await {
            Ok(payment) => {
                let mut known = Known::new(payment, asked_at);
                if query.payment_token().is_some() {
                    known = self.remember(known, ticket).await;
                }
                let entry = Entry { ticket, known: Some(Arc::clone(&known)) };
                let stands = self.put(key, entry).await;
                Outcome::known(stands.known.unwrap_or(known), Source::Fresh)
            }
            Err(error) => {
                count(&self.shared.counts.errors);
                let known = match may_be_bridged(&error) {
                    true => self.earlier(query).await,
                    false => self.put(key, Entry { ticket, known: None }).await.known,
                };
                Outcome { known, error: Some(error), source: Source::Stale }
            }
        }
    }

    async fn earlier(&self, query: &PaymentQuery) -> Option<Arc<Known>> {
        let known = self.shared.cache.get(&self.key(query)).await?.known?;
        match query.payment_token() {
            Some(_) => self.newest(known).await,
            None => Some(known),
        }
    }

    /// Gives what is known then: something newer, if there is such.
    async fn remember(&self, known: Arc<Known>, ticket: u64) -> Arc<Known> {
        let Some(resource) = known.payment.resource() else { return known };
        let Ok(user) = UserId::try_from(known.payment.user_id.as_str()) else { return known };
        let entry = Entry { ticket, known: Some(Arc::clone(&known)) };
        self.put(Key::User(user, resource), entry).await.known.unwrap_or(known)
    }

    fn ticket(&self) -> u64 {
        self.shared.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts it in place of what is older, and gives what stands then.
    async fn put(&self, key: Key, entry: Entry) -> Entry {
        let mut stands = entry.clone();
        let decide = |held: Option<moka::Entry<Key, Entry>>| {
            let newer = held.map(moka::Entry::into_value).filter(|it| it.ticket > entry.ticket);
            std::future::ready(match newer {
                Some(newer) => {
                    stands = newer;
                    Op::Nop
                }
                None => Op::Put(entry),
            })
        };
        self.shared.cache.entry(key).and_compute_with(decide).await;
        stands
    }

    fn entitlement(&self, query: &PaymentQuery, outcome: &Outcome) -> Result<Entitlement, Error> {
        let Shared { times, counts, .. } = &*self.shared;
        match (&outcome.error, &outcome.known) {
            (None, Some(known)) => {
                query.verify(&known.payment)?;
                Ok(known.entitlement(outcome.source))
            }
            (Some(error), Some(known)) if may_be_bridged(error) && known.may_bridge(times) => {
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

/// Whether an earlier answer may stand in for this failure. Not for a retry that
/// was refused with 401.
fn may_be_bridged(error: &Error) -> bool {
    !error.0.used_up
        && matches!(
            error.kind(),
            ErrorKind::Connect
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::Server
                | ErrorKind::RateLimited
        )
}
