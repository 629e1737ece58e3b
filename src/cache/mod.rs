//! Cached answers (feature `cache`). In doubt, the cache asks Figma and gives no access.

pub(crate) mod builder;
pub(crate) mod counters;
pub(crate) mod entitlement;
#[cfg(test)]
mod histories;
mod in_flight;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
mod metrics;
mod refused_tokens;
mod renewal;
mod span;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tracing::{Instrument, Span};

use self::counters::{CacheCounters, Counters};
use self::entitlement::{Entitlement, Source};
use self::in_flight::{Answered, FetchResult, Flight, InFlight};
use self::refused_tokens::RefusedTokens;
use self::renewal::Renewals;
use crate::api::types::PaymentInformation;
use crate::client::Client;
use crate::client::call::CallOptions;
use crate::client::rate_limiter::wait_policy::WaitPolicy;
use crate::error::{Error, ErrorKind, Mismatched};
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::query::{AskedBy, PaymentQuery};
use crate::model::resource::Resource;
use crate::platform::clock::Instant;
use crate::platform::task::{spawn_detached, spawn_in_background};
use crate::store::answer::{CachedAnswer, Freshness, Sent, Settled};
use crate::store::asked::{Asked, LeaseLost};
use crate::store::memory::Memory;
use crate::store::patience::Patience;
use crate::store::question::{Question, Questions, Subject};
#[cfg(feature = "redis")]
use crate::store::redis::answers::SharedAnswers;
use crate::store::time_to_live::TimesToLive;
use crate::store::{Asks, Lease, Store};

/// Answers from memory, and asks Figma for what memory does not have.
///
/// If several calls ask the same question at the same time, Figma is asked once. An
/// error goes to all calls that waited for it, and is not kept; only a refused payment
/// token is remembered, for
/// [some seconds](crate::EntitlementsBuilder::refused_ttl). An answer by payment
/// token is also kept for its user and resource, so that a question by user finds
/// it. The token itself is not kept, only a keyed hash of it.
///
/// On wasm there are no tasks, so a question ends with the call that asks it. If that call
/// is dropped, or its host stops it, one of those that wait takes over.
///
/// The memory is that of this process: three processes ask three times, and each
/// starts with an empty memory, or with what you [`prime`](Self::prime). With a client that
/// has a `RedisStore` (feature `redis`), it is that of all processes that share it.
///
/// If you ask by token, let your plugin keep its token and send the same one until
/// you answer 401, or until the user comes back from the checkout. A new token
/// always costs a call to Figma: it shows a purchase at once, but has no stale
/// answer in an outage. A newer answer about the same user and resource also counts for
/// the token, however it was asked for.
///
/// How long an answer is kept depends on what it says: see
/// [`EntitlementsBuilder`](crate::EntitlementsBuilder). Cheap to clone; clones share
/// the memory.
///
/// ```no_run
/// # use figma_payments::{Entitlements, PaymentQuery};
/// # async fn route(entitlements: &Entitlements, query: PaymentQuery) -> u16 {
/// match entitlements.get(query).await {
///     Ok(entitlement) if entitlement.grants_access() => 200,
///     Ok(_) => 402,
///     Err(error) => error.suggested_status(),
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Entitlements {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    times: TimesToLive,
    questions: Questions,
    store: Store,
    refused_tokens: RefusedTokens,
    in_flight: Arc<InFlight>,
    renewals: Renewals,
    counters: Counters,
    /// When a question last met an outage, unless Figma has answered one since.
    outage: Mutex<Option<Instant>>,
}

/// Without the answers in memory, which are about users.
impl fmt::Debug for Entitlements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { client, times, .. } = &*self.shared;
        f.debug_struct("Entitlements")
            .field("client", client)
            .field("times", times)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

impl Entitlements {
    fn with_settings(client: Client, times: TimesToLive, max_entries: u64) -> Self {
        let refused_tokens = RefusedTokens::new(times.refused);
        let shared = Shared {
            times,
            questions: Questions::default(),
            store: store(&client, times, max_entries),
            client,
            refused_tokens,
            in_flight: Arc::default(),
            renewals: Renewals::new(),
            counters: Counters::new(),
            outage: Mutex::default(),
        };
        Entitlements { shared: Arc::new(shared) }
    }

    /// The answer from memory if it is there and not too old, else from Figma.
    ///
    /// A call that waits for another call's question waits until its own
    /// [deadline](crate::ClientBuilder::deadline) at most.
    ///
    /// # Cancel safety
    ///
    /// You may drop the future at any time. A question that this call began goes on, and
    /// its answer is kept; one that it joined goes on for the others.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`], unless
    /// [`stale_if_error`](crate::EntitlementsBuilder::stale_if_error) allows an older
    /// answer instead.
    pub async fn get(&self, query: impl Borrow<PaymentQuery>) -> Result<Entitlement, Error> {
        let query = query.borrow();
        let question = self.shared.questions.of(query);
        let patience = self.shared.store.patience();
        let asked = Asked { query, question: &question, patience: &patience };
        let span = span::of_look_up();
        let kept = self.shared.store.look_up(asked).await;
        if let Some(hit) = self.hit(asked, kept, &span) {
            return Ok(hit);
        }
        let admit = || Ok::<_, Infallible>(());
        self.ask_in(&span, asked, admit).await.unwrap_or_else(|never| match never {})
    }

    /// Like [`get`](Self::get), but asks Figma only if `admit` allows it: for a limit on
    /// how many questions one caller may cause, or how many are under way.
    ///
    /// `admit` is called when this call has to ask Figma a question of its own: not for an
    /// answer from memory, not for a token that Figma refused just before, and not if it
    /// waits for another call's question. `Ok` is a permit. It is kept until the question has
    /// ended.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use figma_payments::{Entitlement, Entitlements, Error, PaymentQuery};
    /// use tokio::sync::Semaphore;
    ///
    /// /// `None` if too many questions are under way already.
    /// async fn ask(
    ///     entitlements: &Entitlements,
    ///     query: &PaymentQuery,
    ///     places: &Arc<Semaphore>,
    /// ) -> Option<Result<Entitlement, Error>> {
    ///     let admit = || Arc::clone(places).try_acquire_owned();
    ///     entitlements.get_admitted(query, admit).await.ok()
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// As with [`get`](Self::get). The permit is kept even if you drop the future.
    ///
    /// # Errors
    ///
    /// What `admit` returned instead of a permit; nothing was asked then. In an outage
    /// questions take long, and many are refused. So if the last question met one, within
    /// the time of a [deadline](crate::ClientBuilder::deadline), you get the stale answer
    /// that [`stale_if_error`](crate::EntitlementsBuilder::stale_if_error) allows. Inside,
    /// the result of [`get`](Self::get).
    pub async fn get_admitted<P, R>(
        &self,
        query: impl Borrow<PaymentQuery>,
        admit: impl Fn() -> Result<P, R>,
    ) -> Result<Result<Entitlement, Error>, R>
    where
        P: Send + 'static,
    {
        let query = query.borrow();
        let question = self.shared.questions.of(query);
        let patience = self.shared.store.patience();
        let asked = Asked { query, question: &question, patience: &patience };
        let span = span::of_look_up();
        let kept = self.shared.store.look_up(asked).await;
        if let Some(hit) = self.hit(asked, kept, &span) {
            return Ok(Ok(hit));
        }
        self.ask_in(&span, asked, admit).await
    }

    /// The answer from memory, if it is there and not too old.
    #[inline]
    fn hit(
        &self,
        asked: Asked<'_>,
        kept: Option<Arc<CachedAnswer>>,
        span: &Span,
    ) -> Option<Entitlement> {
        let Some((cached, freshness)) = self.valid(asked, kept) else {
            span::missed(span);
            return None;
        };
        self.shared.counters.hit();
        span::hit(span);
        if freshness == Freshness::NearItsEnd {
            self.renew(asked, &cached);
        }
        Some(entitlement(&cached, Source::Cached))
    }

    /// What [`get_admitted`](Self::get_admitted) does without an answer in memory.
    async fn ask_in<P: Send + 'static, R>(
        &self,
        span: &Span,
        asked: Asked<'_>,
        admit: impl Fn() -> Result<P, R>,
    ) -> Result<Result<Entitlement, Error>, R> {
        // Pinned here, because it is large and `instrument` would move it.
        let outcome = pin!(self.ask_unless_refused(asked, admit));
        let outcome = outcome.instrument(span.clone()).await?;
        span::ended(span, &outcome);
        Ok(outcome)
    }

    async fn ask_unless_refused<P: Send + 'static, R>(
        &self,
        asked: Asked<'_>,
        admit: impl Fn() -> Result<P, R>,
    ) -> Result<Result<Entitlement, Error>, R> {
        if let Err(invalid) = asked.query.check() {
            return Ok(Err(invalid));
        }
        if let Some(refused) = self.remembered_refusal(asked.question) {
            self.shared.counters.refused_token();
            return Ok(Err(refused));
        }
        let miss = self.shared.counters.miss_on_drop();
        match self.ask(asked, admit).await {
            Err(refusal) => match self.stale_in_known_outage(asked).await {
                Some(stale) => Ok(Ok(stale)),
                None => {
                    miss.was_not_admitted();
                    Err(refusal)
                }
            },
            answered => answered,
        }
    }

    /// Asks Figma, or waits for another call that asks the same.
    async fn ask<P: Send + 'static, R>(
        &self,
        asked: Asked<'_>,
        admit: impl Fn() -> Result<P, R>,
    ) -> Result<Result<Entitlement, Error>, R> {
        let Shared { client, store, in_flight, counters, .. } = &*self.shared;
        let Asked { query, question, patience } = asked;
        let deadline = client.deadline(Instant::now());
        loop {
            let asked_at = store.now();
            // A call uses the access token that was set when it began.
            let access_token = client.access_token_version();
            let may_join = |sent: Sent, with| {
                with == access_token && store.no_denial_since(sent.sequence, question)
            };
            let fetch = |flight| {
                let permit = admit()?;
                let fetch = Fetch {
                    query: query.clone(),
                    question: question.clone(),
                    patience: patience.clone(),
                    flight,
                    deadline,
                };
                let fetch = self.clone().fetch_unless_asked_elsewhere(fetch);
                Ok(async move {
                    let fetched = fetch.await;
                    drop(permit);
                    fetched
                })
            };
            let fetched = match in_flight.ask(question, deadline, may_join, fetch).await? {
                Answered::ByAsking(fetched) => fetched,
                Answered::ByJoining(fetched) => {
                    counters.joined();
                    fetched
                }
                Answered::TooLate => return Ok(self.stale_or_error(&too_late(), asked).await),
            };
            let settled = match &*fetched {
                Ok(settled) => settled,
                Err(error) => return Ok(self.stale_or_error(error, asked).await),
            };
            // A denial that arrived meanwhile also counts for calls that asked before it.
            if !settled.undisputed
                && let Some((cached, _)) = self.valid(asked, store.look_up(asked).await)
            {
                return Ok(Ok(entitlement(&cached, Source::Cached)));
            }
            if store.may_have(asked_at, question, settled) {
                let verified = query.verify(&settled.answer.payment);
                return Ok(verified.map(|()| entitlement(&settled.answer, Source::Fresh)));
            }
        }
    }

    /// The answer from Figma. This call always sends its own request, even if memory has an
    /// answer. The answer is kept, unless a denial arrived while the request was under way.
    ///
    /// # Cancel safety
    ///
    /// You may drop the future at any time. Once it was polled, the request goes on, and its
    /// answer is kept as if you had waited.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`]; there is no stale answer instead.
    pub async fn get_fresh(&self, query: impl Borrow<PaymentQuery>) -> Result<Entitlement, Error> {
        let query = query.borrow();
        query.check()?;
        self.shared.counters.miss();
        let fetch = Fetch {
            query: query.clone(),
            question: self.shared.questions.of(query),
            patience: self.shared.store.patience(),
            flight: Arc::default(),
            deadline: self.shared.client.deadline(Instant::now()),
        };
        let entitlements = self.clone();
        let settled = spawn_detached(async move {
            // It asks, whoever else does.
            let lease = Lease::of_this_process();
            let fetched = entitlements.fetch(&fetch, &lease, WaitPolicy::Deadline).await;
            fetched.unwrap_or_else(|LeaseLost| Err(too_late()))
        });
        let settled = settled.await?;
        query.verify(&settled.answer.payment)?;
        Ok(entitlement(&settled.answer, Source::Fresh))
    }

    /// The answer from memory, if it is there and not too old. Never asks Figma. It counts
    /// as a hit, and `None` as nothing: the call that asks then is the miss.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves nothing behind. The first poll gives the answer, unless a store
    /// that several processes share has to be asked.
    pub async fn get_cached(&self, query: impl Borrow<PaymentQuery>) -> Option<Entitlement> {
        let query = query.borrow();
        let question = &self.shared.questions.of(query);
        let patience = &self.shared.store.patience();
        let asked = Asked { query, question, patience };
        let span = span::of_look_up();
        let kept = self.shared.store.look_up(asked).await;
        self.hit(asked, kept, &span)
    }

    /// Removes the answer about a user and a resource, however it was asked for:
    /// after a refund, for instance. An answer that is under way at that time goes to the
    /// calls that asked for it before, and is not kept.
    ///
    /// # Cancel safety
    ///
    /// The first poll removes the answer in this process. If you drop the future before, nothing
    /// is removed; if you drop it later, a shared store may not have heard of it.
    ///
    /// # Errors
    ///
    /// None without a store that several processes share. With one,
    /// [`Store`](ErrorKind::Store) if it cannot be reached: then the answer is forgotten in this
    /// process, and the others may give it until its time ends. Answer the webhook that told
    /// you of the refund with 503, so that it comes again.
    pub async fn invalidate(&self, user: &UserId, resource: &Resource) -> Result<(), Error> {
        let subject = Subject { user: user.clone(), resource: resource.clone() };
        self.shared.store.invalidate(subject).await
    }

    /// Puts an answer into memory that you got in another way just now, as if this
    /// cache had asked for it. For an older answer use [`prime_at`](Self::prime_at).
    ///
    /// Does nothing with an answer about an unknown kind of resource.
    ///
    /// # Cancel safety
    ///
    /// The first poll puts the answer into memory. If you drop the future before, memory
    /// stays as it is; so may a shared store if you drop it later.
    pub async fn prime(&self, payment: PaymentInformation) {
        self.shared.store.prime(payment).await;
    }

    /// Puts an answer into memory that Figma gave at `checked_at`: from a file of
    /// last night's `bulk`, for instance. It is kept for what is left of its time to
    /// live. It is ignored if memory has a newer answer, or if a denial arrived after
    /// `checked_at`. A time in the future counts as now.
    ///
    /// Does nothing with an answer about an unknown kind of resource.
    ///
    /// # Cancel safety
    ///
    /// The first poll puts the answer into memory. If you drop the future before, memory
    /// stays as it is; so may a shared store if you drop it later.
    pub async fn prime_at(&self, payment: PaymentInformation, checked_at: SystemTime) {
        self.shared.store.prime_at(payment, checked_at).await;
    }

    /// The counters of this cache and all its clones.
    pub fn counters(&self) -> CacheCounters {
        self.shared.counters.read()
    }

    /// This answer, if it is not too old and matches the query.
    #[inline]
    fn valid(
        &self,
        asked: Asked<'_>,
        kept: Option<Arc<CachedAnswer>>,
    ) -> Option<(Arc<CachedAnswer>, Freshness)> {
        let cached = kept?;
        let freshness = cached.freshness(&self.shared.times);
        let is_valid = freshness != Freshness::Old && asked.query.verify(&cached.payment).is_ok();
        is_valid.then_some((cached, freshness))
    }

    /// The error of a question by a payment token that Figma has refused just now.
    fn remembered_refusal(&self, question: &Question) -> Option<Error> {
        let Shared { client, refused_tokens, .. } = &*self.shared;
        refused_tokens.error(question.token()?, client.access_token_version())
    }

    /// Asks Figma, or waits until another process that asks the same has its answer.
    async fn fetch_unless_asked_elsewhere(self, fetch: Fetch) -> FetchResult {
        let Shared { store, .. } = &*self.shared;
        loop {
            let lease = match store.lease(fetch.asked(), fetch.deadline).await {
                Asks::ThisCall(lease) => lease,
                Asks::Answered(settled) => return Ok(settled),
                Asks::TooLate => return Err(too_late()),
            };
            if let Some(settled) = self.settled_meanwhile(fetch.asked()).await {
                return Ok(settled);
            }
            let fetched = self.fetch(&fetch, &lease, WaitPolicy::Deadline).await;
            if let Ok(fetched) = fetched {
                return fetched;
            }
        }
    }

    /// The answer of a question that ended after this call has looked, and before it could
    /// ask.
    async fn settled_meanwhile(&self, asked: Asked<'_>) -> Option<Settled> {
        let Shared { store, .. } = &*self.shared;
        let sequence = store.now();
        let (kept, _) = self.valid(asked, store.look_up(asked).await)?;
        let sent = Sent { sequence, ..kept.sent };
        let answer = CachedAnswer { payment: Arc::clone(&kept.payment), sequence, sent };
        Some(Settled { answer: Arc::new(answer), undisputed: true })
    }

    /// Asks Figma, and gives what it answers to the store.
    async fn fetch(
        &self,
        fetch: &Fetch,
        lease: &Lease,
        wait: WaitPolicy,
    ) -> Result<FetchResult, LeaseLost> {
        let Shared { client, store, refused_tokens, counters, .. } = &*self.shared;
        let Fetch { query, question, flight, deadline, .. } = fetch;
        let asked = fetch.asked();
        let asked_with = client.access_token_version();
        let before_attempt = || async {
            let sent = store.send(asked, lease).await?;
            flight.attempt_sent(sent, client.access_token_version());
            Ok(sent)
        };
        let options = CallOptions { wait, deadline: *deadline, before_attempt };
        // Pinned here, because it is large and would be moved.
        let call = pin!(client.call(query, options));
        let answer = lease.kept_during(call).await?;
        let met_outage = answer.as_ref().is_err_and(is_outage);
        match &answer {
            // This may be the caller's own limit.
            Err(error) if error.kind() == ErrorKind::RateLimited => {}
            _ => *self.outage() = met_outage.then(Instant::now),
        }
        let error = match answer {
            Ok((payment, sent)) => {
                if let Some(token) = question.token() {
                    refused_tokens.on_answer(token);
                }
                return Ok(Ok(store.settle(asked, lease, sent, payment).await));
            }
            Err(error) => error,
        };
        counters.error();
        if let Some(token) = question.token() {
            refused_tokens.on_error(*token, &error, asked_with);
        }
        if !met_outage {
            store.refused(asked).await;
        }
        if let Some(Mismatched(payment)) = &error.0.mismatched {
            store.mismatched(payment).await;
        }
        Ok(Err(error))
    }

    /// Asks again for an answer whose time ends soon: in the background, and only if no call
    /// waits for the rate limit. Only PAID by user: a payment token may not be usable again,
    /// and the times of the others are short.
    #[cold]
    fn renew(&self, asked: Asked<'_>, answer: &CachedAnswer) {
        let Question::ByUser(subject) = asked.question else { return };
        let is_paid = answer.payment.payment_status == PaymentStatus::Paid;
        if is_paid && self.shared.renewals.begin(subject) {
            let (query, question) = (asked.query.clone(), asked.question.clone());
            spawn_in_background(self.clone().ask_if_idle(query, question));
        }
    }

    async fn ask_if_idle(self, query: PaymentQuery, question: Question) {
        let Shared { client, store, in_flight, counters, .. } = &*self.shared;
        let fetch = Fetch {
            query,
            question,
            patience: store.patience(),
            flight: Arc::default(),
            deadline: client.deadline(Instant::now()),
        };
        let Some(lease) = store.lease_if_free(fetch.asked()).await else { return };
        let Some(leader) = in_flight.lead(&fetch.question, &fetch.flight) else { return };
        let Some(slot) = client.slot_if_idle(AskedBy::User).await else { return };
        counters.renewal();
        let fetched = async {
            let fetched = self.fetch(&fetch, &lease, slot).await;
            fetched.unwrap_or_else(|LeaseLost| Err(too_late()))
        };
        leader.ask_for_an_answer(fetched).await;
    }

    /// The stale answer, if this error is an outage and the settings allow one; else the
    /// error.
    async fn stale_or_error(&self, error: &Error, asked: Asked<'_>) -> Result<Entitlement, Error> {
        if is_outage(error)
            && let Some(stale) = self.stale(asked).await
        {
            return Ok(stale);
        }
        Err(error.clone())
    }

    /// The stale answer for a call that may not ask, if Figma was away a moment ago.
    async fn stale_in_known_outage(&self, asked: Asked<'_>) -> Option<Entitlement> {
        let now = Instant::now();
        let met_at = (*self.outage())?;
        if self.shared.client.deadline(met_at) <= now {
            return None;
        }
        self.stale(asked).await
    }

    fn outage(&self) -> MutexGuard<'_, Option<Instant>> {
        self.shared.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that the settings allow in an outage.
    async fn stale(&self, asked: Asked<'_>) -> Option<Entitlement> {
        let Shared { store, times, counters, .. } = &*self.shared;
        let stale = store.look_up(asked).await.filter(|cached| {
            cached.is_valid_in_outage(times) && asked.query.verify(&cached.payment).is_ok()
        })?;
        counters.stale();
        Some(entitlement(&stale, Source::Stale))
    }
}

/// What a question to Figma needs, also when its caller has gone.
struct Fetch {
    query: PaymentQuery,
    question: Question,
    patience: Patience,
    flight: Arc<Flight>,
    deadline: Instant,
}

impl Fetch {
    fn asked(&self) -> Asked<'_> {
        let Fetch { query, question, patience, .. } = self;
        Asked { query, question, patience }
    }
}

/// Where the answers of this client are kept.
fn store(client: &Client, times: TimesToLive, max_entries: u64) -> Store {
    #[cfg(feature = "redis")]
    if let Some(fleet) = client.fleet() {
        let shared = SharedAnswers::new(Arc::clone(fleet), times, max_entries);
        return Store::Redis(Box::new(shared));
    }
    let _ = (client, times);
    Store::Memory(Memory::new(max_entries))
}

fn entitlement(answer: &CachedAnswer, source: Source) -> Entitlement {
    let payment = Arc::clone(&answer.payment);
    Entitlement { payment, source, checked_at: answer.sent.date }
}

/// Whether this error says nothing about the user, so that an older answer may be
/// given instead. A retry that was refused with 401 does say something.
fn is_outage(error: &Error) -> bool {
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

/// Servers need the future of a call to be `Send`. Checked here because it has to hold on
/// wasm too.
const _: fn(&Entitlements, PaymentQuery) = |entitlements, query| {
    fn is_send(_: impl Send) {}
    is_send(entitlements.get(query));
};

fn too_late() -> Error {
    let message = "another call asks Figma the same question, and got no answer before the deadline of this call; try again later, or set a longer `deadline`";
    Error::new(ErrorKind::Timeout, message).with(|details| details.may_have_arrived = false)
}
