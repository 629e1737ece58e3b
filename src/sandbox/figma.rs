//! The simulated Figma: tests change its state, and it answers requests.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::faults::{Calls, Fault, InjectedFault};
use super::message::{Exchange, Reply, Request};
use super::purchase::Purchase;
use super::request_log::RequestLog;
use super::server::lock;
use super::settings::Settings;
use super::state::{State, ValidToken};
use crate::model::credentials::PluginPaymentToken;
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::query::AskedBy;
use crate::model::resource::Resource;

/// The simulated Figma behind a sandbox. It can be changed at any time, from any clone.
#[derive(Clone, Default)]
pub struct Figma {
    state: Arc<Mutex<State>>,
}

/// Without the requests: somebody may have sent a real access token.
impl fmt::Debug for Figma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figma").finish_non_exhaustive()
    }
}

impl Figma {
    /// How many requests it keeps at most. It keeps fewer if
    /// [`request_log_bytes`](Settings::request_log_bytes) has no room for them. The oldest
    /// are dropped first.
    pub const REMEMBERED: usize = RequestLog::MAX_REQUESTS;

    /// A Figma without any purchase, and with the default [`Settings`].
    pub fn new() -> Self {
        Figma::default()
    }

    /// Changes the settings from now on:
    /// `sandbox.configure(|settings| settings.single_use_tokens = true)`. The function must
    /// not use the sandbox, which is locked until it returns.
    ///
    /// If a text of the [`limits`](Settings::limits) has a character that no header can
    /// carry, the first 429 panics.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = lock(&self.state);
        change(&mut state.settings);
        let max_bytes = state.settings.request_log_bytes;
        state.requests.shrink_to(max_bytes);
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        lock(&self.state).settings.clone()
    }

    /// Sets the purchase of a user and a resource from now on. A user without a purchase is
    /// UNPAID, without a date.
    pub fn set(&self, purchase: Purchase) {
        lock(&self.state).set(purchase);
    }

    /// Like [`set`](Self::set), with any status and date: also a status that does not exist
    /// yet, and a date that is not valid. A refunded or lapsed purchase is UNPAID and keeps
    /// its date.
    pub fn set_purchase(
        &self,
        user: &UserId,
        resource: &Resource,
        status: PaymentStatus,
        date_of_purchase: Option<&str>,
    ) {
        let date_of_purchase = date_of_purchase.map(Into::into);
        self.set(Purchase { status, date_of_purchase, ..Purchase::unpaid(user, resource) });
    }

    /// Replaces all purchases by these.
    pub fn replace_purchases(&self, purchases: impl IntoIterator<Item = Purchase>) {
        let mut state = lock(&self.state);
        state.purchases.clear();
        purchases.into_iter().for_each(|purchase| state.set(purchase));
    }

    /// All purchases, sorted by user.
    pub fn purchases(&self) -> Vec<Purchase> {
        lock(&self.state).purchases.values().cloned().collect()
    }

    /// A new payment token, as the plugin would get it from `getPluginPaymentTokenAsync()`.
    /// It is valid for [`token_lifetime`](Settings::token_lifetime). Its text cannot be
    /// read; if your test needs the text, use [`accept_token`](Self::accept_token).
    pub fn mint_token(&self, user: &UserId, resource: &Resource) -> PluginPaymentToken {
        let mut state = lock(&self.state);
        let lifetime = state.settings.token_lifetime;
        state.mint(None, user, resource, lifetime)
    }

    /// A new payment token that is valid for this time.
    pub fn mint_token_for(
        &self,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) -> PluginPaymentToken {
        lock(&self.state).mint(None, user, resource, lifetime)
    }

    /// Makes this payment token valid for this time, from now on. For tests that need to
    /// know the text of the token.
    pub fn accept_token(
        &self,
        token: PluginPaymentToken,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) {
        lock(&self.state).mint(Some(token), user, resource, lifetime);
    }

    /// What a payment token means, and for how long it can still be used. `None` if it cannot be
    /// used: it is unknown, expired or used up.
    pub fn valid_token(&self, token: &PluginPaymentToken) -> Option<ValidToken> {
        lock(&self.state).valid_token(token)
    }

    /// Injects a fault into calls from now on, and returns its id, for
    /// [`remove_fault`](Self::remove_fault). Several faults may apply to the same call.
    ///
    /// # Panics
    ///
    /// If a [`Fault::Status`] is not from 400 to 599.
    pub fn inject(&self, fault: Fault, calls: Calls) -> u64 {
        if let Fault::Status(status) = fault {
            assert!(
                (400..600).contains(&status),
                "the status of a fault has to be from 400 to 599, but is {status}"
            );
        }
        lock(&self.state).faults.inject(fault, calls)
    }

    /// The faults that still apply to calls, in the order in which they were injected.
    pub fn faults(&self) -> Vec<InjectedFault> {
        lock(&self.state).faults.all()
    }

    /// Removes the fault with this id. Returns whether it was there.
    pub fn remove_fault(&self, id: u64) -> bool {
        lock(&self.state).faults.remove(id)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        lock(&self.state).faults.clear();
    }

    /// Moves its clock forward. Payment tokens expire and rate limits recover by that clock.
    pub fn advance(&self, by: Duration) {
        lock(&self.state).clock.advance(by);
    }

    /// From now on only [`advance`](Self::advance) moves its clock.
    pub fn stop_clock(&self) {
        lock(&self.state).clock.stop();
    }

    /// The time on its clock, which began at 0.
    pub fn now(&self) -> Duration {
        lock(&self.state).clock.now()
    }

    /// The requests so far, oldest first, with their secrets. It keeps a
    /// [limited number](Self::REMEMBERED); [`dropped_requests`](Self::dropped_requests) says
    /// how many are missing.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.requests()
    }

    /// The requests from this number on, with what was answered, oldest first. With 0 they are
    /// the same requests as [`requests`](Self::requests).
    pub fn exchanges_from(&self, number: u64) -> Vec<Exchange> {
        lock(&self.state).requests.exchanges_from(number)
    }

    /// The numbers of the requests that it keeps. The end of the range is the number of the
    /// next request.
    pub fn exchange_numbers(&self) -> Range<u64> {
        lock(&self.state).requests.numbers()
    }

    /// How many queries of the [quota](super::FigmaLimits::quota) for this way of asking are
    /// used up now. They become free again one by one, evenly over a minute. If there are several
    /// access tokens, it is that of the one that has used up most.
    pub fn used_quota(&self, asked_by: AskedBy) -> u32 {
        lock(&self.state).used_quota(asked_by)
    }

    /// How many requests were dropped to make room for newer ones, since the start or since
    /// [`clear_requests`](Self::clear_requests).
    pub fn dropped_requests(&self) -> u64 {
        lock(&self.state).requests.dropped()
    }

    /// Forgets the requests so far, and how many were dropped.
    pub fn clear_requests(&self) {
        lock(&self.state).requests.clear();
    }

    /// The reply to a request, for a server that you write yourself. The request is recorded.
    pub fn answer(&self, request: &Request) -> Reply {
        lock(&self.state).answer(request).not_recorded()
    }

    /// Records a request that somebody else answers.
    pub(super) fn record(&self, request: &Request, reply: &Reply) {
        lock(&self.state).record(request, reply);
    }
}
