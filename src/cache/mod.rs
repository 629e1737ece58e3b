//! Cached answers (feature `cache`): who may, where the answer comes from, and
//! how old it is. Fails closed.

mod counters;
#[cfg(test)]
mod histories;
mod in_flight;
mod memory;
mod order;
mod question;
mod settings;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use self::counters::{Counts, count};
use self::in_flight::{Came, Fetched, Flight, InFlight};
use self::memory::{CachedAnswer, Memory, Sent};
use self::question::{Question, Questions, Subject};
use self::settings::TimesToLive;
use crate::api::types::PaymentInformation;
use crate::client::Client;
use crate::client::{CallOptions, WaitPolicy};
use crate::error::Mismatched;
use crate::error::{Error, ErrorKind};
use crate::model::ids::UserId;
use crate::model::query::PaymentQuery;
use crate::model::resource::Resource;
use crate::platform::task::spawn_detached;

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
    /// When Figma was asked for it.
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
#[derive(Clone)]
pub struct Entitlements {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    times: TimesToLive,
    questions: Questions,
    memory: Memory,
    in_flight: Arc<InFlight>,
    counts: Counts,
}

/// Without what is kept, which is about users.
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
    /// Keeps the answers of this client, with the defaults.
    pub fn new(client: Client) -> Self {
        Entitlements::builder(client).build()
    }

    /// Keeps the answers of this client, with settings of your own.
    pub fn builder(client: Client) -> EntitlementsBuilder {
        EntitlementsBuilder::new(client)
    }

    fn with(client: Client, times: TimesToLive, max_entries: u64) -> Self {
        let shared = Shared {
            client,
            times,
            questions: Questions::default(),
            memory: Memory::new(max_entries),
            in_flight: Arc::default(),
            counts: Counts::default(),
        };
        Entitlements { shared: Arc::new(shared) }
    }

    /// The answer, from memory if it is good there, else from Figma.
    ///
    /// Whoever leaves while waiting ends nothing: the question goes on, and its
    /// answer is kept. Whoever waits for somebody else's question does so until
    /// its own [deadline](crate::ClientBuilder::deadline) at most.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`], unless
    /// [`stale_if_error`](EntitlementsBuilder::stale_if_error) allows an earlier
    /// answer in its place.
    pub async fn get(&self, query: impl Borrow<PaymentQuery>) -> Result<Entitlement, Error> {
        let Shared { client, memory, in_flight, counts, questions, .. } = &*self.shared;
        let query = query.borrow();
        let question = questions.of(query);
        if let Some(known) = self.good(query, &question) {
            count(&counts.hits);
            return Ok(known.entitlement(Source::Cached));
        }
        query.check()?;
        count(&counts.misses);
        let deadline = client.deadline(Instant::now());
        loop {
            let asked = memory.now();
            let may_join = |sent: Sent| memory.no_no_since(sent.sequence, &question);
            let fetch =
                |flight| self.clone().fetch(query.clone(), question.clone(), flight, deadline);
            let fetched = match in_flight.ask(&question, deadline, may_join, fetch).await {
                Came::Asked(fetched) => fetched,
                Came::Joined(fetched) => {
                    count(&counts.coalesced);
                    fetched
                }
                Came::TooLate => return self.instead_of(&too_late(), query, &question),
            };
            let settled = match &*fetched {
                Ok(settled) => settled,
                Err(error) => return self.instead_of(error, query, &question),
            };
            // A no that arrived meanwhile counts for who asked before it, too.
            if !settled.certain
                && let Some(known) = self.good(query, &question)
            {
                return Ok(known.entitlement(Source::Cached));
            }
            if memory.may_have(asked, &question, settled) {
                query.verify(&settled.answer.payment)?;
                return Ok(settled.answer.entitlement(Source::Fresh));
            }
        }
    }

    /// The answer from Figma to a request of its own, whatever memory has; memory
    /// keeps it, unless a no has arrived meanwhile. Whoever leaves while waiting ends
    /// nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_payments`]; no stale answer takes their place.
    pub async fn get_fresh(&self, query: impl Borrow<PaymentQuery>) -> Result<Entitlement, Error> {
        let query = query.borrow();
        query.check()?;
        count(&self.shared.counts.misses);
        let question = self.shared.questions.of(query);
        let deadline = self.shared.client.deadline(Instant::now());
        let fetch = self.clone().fetch(query.clone(), question, Arc::default(), deadline);
        let settled = spawn_detached(fetch).await?;
        query.verify(&settled.answer.payment)?;
        Ok(settled.answer.entitlement(Source::Fresh))
    }

    /// The answer from memory, if there is one and it is still good.
    pub async fn get_cached(&self, query: impl Borrow<PaymentQuery>) -> Option<Entitlement> {
        let Shared { questions, counts, .. } = &*self.shared;
        let query = query.borrow();
        let known = self.good(query, &questions.of(query));
        count(if known.is_some() { &counts.hits } else { &counts.misses });
        Some(known?.entitlement(Source::Cached))
    }

    /// Forgets what is known of a user and a resource, however it was asked. An
    /// answer that is still under way then is given to those who asked for it
    /// before, and is not kept.
    ///
    /// # Errors
    ///
    /// None with memory alone. With a store that processes share: that it could not
    /// be told to the others.
    pub async fn invalidate(&self, user: &UserId, resource: &Resource) -> Result<(), Error> {
        let subject = Subject { user: user.clone(), resource: resource.clone() };
        self.shared.memory.invalidate(subject);
        Ok(())
    }

    /// Puts an answer into memory that was got in another way, as if it were
    /// asked for and given now. Does nothing with one about an unknown kind of
    /// resource.
    pub async fn prime(&self, payment: PaymentInformation) {
        self.shared.memory.prime(payment);
    }

    /// What happened so far.
    pub fn counters(&self) -> CacheCounters {
        self.shared.counts.read()
    }

    /// What is known, if it is good and about what was asked.
    fn good(&self, query: &PaymentQuery, question: &Question) -> Option<Arc<CachedAnswer>> {
        let Shared { memory, times, .. } = &*self.shared;
        let known = memory.look_up(question)?;
        (known.is_good(times) && query.verify(&known.payment).is_ok()).then_some(known)
    }

    /// Asks Figma, and settles what comes of it.
    async fn fetch(
        self,
        query: PaymentQuery,
        question: Question,
        flight: Arc<Flight>,
        deadline: Instant,
    ) -> Fetched {
        let Shared { client, memory, counts, .. } = &*self.shared;
        let before_attempt = || {
            let sent = memory.send();
            flight.sent(sent);
            sent
        };
        let options = CallOptions { wait: WaitPolicy::Deadline, deadline, before_attempt };
        match client.call(&query, options).await {
            Ok((payment, sent)) => Ok(memory.settle(&question, sent, payment)),
            Err(error) => {
                count(&counts.errors);
                if !tells_nothing(&error) {
                    memory.refused(&question);
                }
                if let Some(Mismatched(payment)) = &error.0.mismatched {
                    memory.heard(payment);
                }
                Err(error)
            }
        }
    }

    /// What to give instead of an answer: an earlier one, if that is allowed.
    fn instead_of(
        &self,
        error: &Error,
        query: &PaymentQuery,
        question: &Question,
    ) -> Result<Entitlement, Error> {
        let Shared { memory, times, counts, .. } = &*self.shared;
        let earlier = memory.look_up(question).filter(|known| {
            tells_nothing(error)
                && known.bridges_outage(times)
                && query.verify(&known.payment).is_ok()
        });
        match earlier {
            Some(earlier) => {
                count(&counts.stale);
                Ok(earlier.entitlement(Source::Stale))
            }
            None => Err(error.clone()),
        }
    }
}

/// Whether this failure says nothing about the user, so that an earlier answer may
/// stand in for it. A retry that was refused with 401 does say something.
fn tells_nothing(error: &Error) -> bool {
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

fn too_late() -> Error {
    let message = "somebody else asks the same, and had no answer before this call's deadline";
    Error::new(ErrorKind::Timeout, message).with(|it| it.sent = false)
}
