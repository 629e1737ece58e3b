//! Answers that are asked for again before their time ends, so that nobody who has paid
//! waits for Figma at the end of every ten minutes.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::in_flight::Flight;
use super::{Entitlements, Fetch, Shared};
use crate::model::payment::PaymentStatus;
use crate::model::query::AskedBy;
use crate::platform::clock::Instant;
use crate::platform::task::spawn_in_background;
use crate::store::answer::CachedAnswer;
use crate::store::question::{Question, Subject};
use crate::store::{Asked, LeaseLost};

/// How long after an attempt to renew an answer the next one may follow.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How many answers the attempts are remembered of.
const MAX_REMEMBERED: usize = 10_000;

/// When each answer was last asked for ahead of time.
pub(super) struct Renewals {
    tried: Cache<Subject, Instant>,
}

impl Renewals {
    pub(super) fn new() -> Self {
        Renewals { tried: Cache::new(MAX_REMEMBERED) }
    }

    /// Whether nobody in this process has tried a moment ago. Then this call does.
    fn begin(&self, subject: &Subject) -> bool {
        let now = Instant::now();
        let is_recent = |tried: Instant| now.saturating_duration_since(tried) < TRY_AGAIN_AFTER;
        if self.tried.get(subject).is_some_and(is_recent) {
            return false;
        }
        self.tried.insert(subject.clone(), now);
        true
    }
}

impl Entitlements {
    /// Asks again for an answer whose time ends soon: in the background, and only if no call
    /// waits for the rate limit. Only PAID by user: a payment token may not be usable again,
    /// and the others' times are short.
    #[cold]
    pub(super) fn renew(&self, asked: Asked<'_>, answer: &CachedAnswer) {
        let Question::ByUser(subject) = asked.question else { return };
        if answer.payment.payment_status == PaymentStatus::Paid
            && self.shared.renewals.begin(subject)
        {
            let (query, question) = (asked.query.clone(), asked.question.clone());
            let entitlements = self.clone();
            spawn_in_background(async move {
                let Shared { client, store, in_flight, counters, .. } = &*entitlements.shared;
                let fetch = Fetch {
                    query,
                    question,
                    patience: store.patience(),
                    flight: Arc::<Flight>::default(),
                    deadline: client.deadline(Instant::now()),
                };
                let Some(lease) = store.lease_if_free(fetch.asked()).await else { return };
                let Some(slot) = client.slot_if_idle(AskedBy::User).await else { return };
                let Some(leader) = in_flight.lead(&fetch.question, &fetch.flight) else { return };
                counters.renewal();
                let fetched = async {
                    let fetched = entitlements.fetch(&fetch, &lease, slot).await;
                    fetched.unwrap_or_else(|LeaseLost| Err(super::too_late()))
                };
                leader.ask(fetched).await;
            });
        }
    }
}
