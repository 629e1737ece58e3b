//! Cached answers (feature `cache`): who may, where the answer comes from, and
//! how old it is. Fails closed.

mod counters;
mod memory;
mod settings;

use std::borrow::Borrow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use moka::future::Cache;

use crate::{Client, Error, ErrorKind, PaymentInformation, PaymentQuery, Resource, UserId};
use counters::{Counts, count};
use memory::{ByUser, Entry, Key, Known};
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
/// Asked by token, have your plugin keep its token and send the same one until you
/// answer 401: a new token is always a call to Figma, and has no stale answer in an
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
        let shared = Shared { client, times, cache, hashers, counts: Counts::default() };
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
        let Shared { times, cache, counts, .. } = &*self.shared;
        let query = query.borrow();
        if let Some(cached) = self.remembered(query).await {
            count(&counts.hits);
            return Ok(cached);
        }
        count(&counts.misses);
        let asked = AtomicBool::new(false);
        let ask = async {
            asked.store(true, Ordering::Relaxed);
            self.ask(query).await
        };
        let stands = |entry: &Arc<Entry>| entry.good(times).is_some();
        let entry = cache.entry(self.key(query)).or_insert_with_if(ask, |it| !stands(it)).await;
        if !asked.into_inner() {
            count(&counts.coalesced);
        }
        self.outcome(query, entry.value())
    }

    /// The answer from Figma, whatever memory has; memory keeps it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`]; no stale answer takes their place.
    pub async fn get_fresh(&self, query: impl Borrow<PaymentQuery>) -> Result<Entitlement, Error> {
        let query = query.borrow();
        count(&self.shared.counts.misses);
        let entry = self.ask(query).await;
        self.shared.cache.insert(self.key(query), Arc::clone(&entry)).await;
        match &entry.error {
            Some(error) => Err(error.clone()),
            None => self.outcome(query, &entry),
        }
    }

    /// The answer from memory, if there is one and it is still good.
    pub async fn get_cached(&self, query: impl Borrow<PaymentQuery>) -> Option<Entitlement> {
        let cached = self.remembered(query.borrow()).await;
        let Counts { hits, misses, .. } = &self.shared.counts;
        count(if cached.is_some() { hits } else { misses });
        cached
    }

    /// Forgets what is known of a user and a resource, however it was asked.
    pub async fn invalidate(&self, user: &UserId, resource: &Resource) {
        self.shared.cache.invalidate(&ByUser::new(user, resource)).await;
    }

    /// Puts an answer into memory that was got in another way, as if it were
    /// given now. Does nothing with one about an unknown kind of resource.
    pub async fn prime(&self, payment: PaymentInformation) {
        self.remember(Known::now(payment)).await;
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
        let known = match (query.payment_token(), query.user(), query.resource()) {
            (None, Some(user), Some(resource)) => {
                let entry = cache.get(&ByUser::new(user, resource)).await?;
                Arc::clone(entry.good(times)?)
            }
            _ => {
                let entry = cache.get(&self.key(query)).await.filter(|it| it.error.is_none())?;
                self.newest(entry.known.as_ref()?).await.filter(|known| known.is_good(times))?
            }
        };
        query.verify(&known.payment).ok()?;
        Some(known.entitlement(Source::Cached))
    }

    /// What is known now of the user and resource that an answer was about. What
    /// stands under them counts, and nothing does if they were forgotten.
    async fn newest(&self, known: &Arc<Known>) -> Option<Arc<Known>> {
        let entry = self.shared.cache.get(&ByUser::about(&known.payment)).await;
        let newest = entry.and_then(|entry| entry.known.clone());
        if newest.as_ref().is_none_or(|newest| !Arc::ptr_eq(newest, known)) {
            known.outdate();
        }
        newest
    }

    /// Asks Figma; what comes of it stands in place of what was known.
    async fn ask(&self, query: &PaymentQuery) -> Arc<Entry> {
        let outcome = self.shared.client.get_payments(query.clone()).await;
        Arc::new(match outcome {
            Ok(payment) => {
                let known = Known::now(payment);
                if query.payment_token().is_some() {
                    self.remember(Arc::clone(&known)).await;
                }
                Entry { known: Some(known), error: None }
            }
            Err(error) => {
                count(&self.shared.counts.errors);
                let known = match may_be_bridged(&error) {
                    true => self.earlier(query).await,
                    false => None,
                };
                Entry { known, error: Some(error) }
            }
        })
    }

    async fn earlier(&self, query: &PaymentQuery) -> Option<Arc<Known>> {
        let entry = self.shared.cache.get(&self.key(query)).await?;
        let known = entry.known.as_ref()?;
        match query.payment_token() {
            Some(_) => self.newest(known).await,
            None => Some(Arc::clone(known)),
        }
    }

    async fn remember(&self, known: Arc<Known>) {
        let Some(resource) = known.payment.resource() else { return };
        let Ok(user) = UserId::try_from(known.payment.user_id.as_str()) else { return };
        let entry = Arc::new(Entry { known: Some(known), error: None });
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
