//! The Figma behind the sandbox: what it is told, and what it was asked.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::faults::{Calls, Fault};
use super::message::{Reply, Request};
use super::purchase::Purchase;
use super::request_log::RequestLog;
use super::server::lock;
use super::settings::Settings;
use super::state::State;
use crate::model::credentials::PluginPaymentToken;
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::resource::Resource;

/// What the sandbox knows and does. Everything can be changed while it runs,
/// from any clone.
#[derive(Clone, Default)]
pub struct Figma {
    state: Arc<Mutex<State>>,
}

/// Prints nothing of what it saw: it may have been sent a real access token.
impl fmt::Debug for Figma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figma").finish_non_exhaustive()
    }
}

impl Figma {
    /// As many requests are remembered, if
    /// [`request_log_bytes`](Settings::request_log_bytes) has room for them; the
    /// oldest are dropped first.
    pub const REMEMBERED: usize = RequestLog::MAX_REQUESTS;

    /// Without any purchase, and with the default [`Settings`].
    pub fn new() -> Self {
        Figma::default()
    }

    /// Changes how it behaves from now on:
    /// `sandbox.configure(|settings| settings.single_use_tokens = true)`. The
    /// function must not use the sandbox itself, which waits for it to end.
    ///
    /// # Panics
    ///
    /// When a text of the limits is none that a header can carry, with the
    /// first 429.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = lock(&self.state);
        change(&mut state.settings);
        let most_bytes = state.settings.request_log_bytes;
        state.requests.fit(most_bytes);
    }

    /// How it behaves.
    pub fn settings(&self) -> Settings {
        lock(&self.state).settings.clone()
    }

    /// Says where a user stands with a resource from now on. Who has no entry
    /// is UNPAID without a date.
    pub fn set(&self, purchase: Purchase) {
        lock(&self.state).set(purchase);
    }

    /// [`set`](Self::set), spelled out. A refunded or lapsed purchase is UNPAID
    /// and keeps its date. The status may be one that does not exist yet, and
    /// the date anything.
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

    /// Sets all purchases at once; those that are not among them are gone.
    pub fn replace_purchases(&self, purchases: impl IntoIterator<Item = Purchase>) {
        let mut state = lock(&self.state);
        state.purchases.clear();
        purchases.into_iter().for_each(|purchase| state.set(purchase));
    }

    /// All purchases, by user.
    pub fn purchases(&self) -> Vec<Purchase> {
        lock(&self.state).purchases.values().cloned().collect()
    }

    /// A payment token, as the plugin would get it from
    /// `getPluginPaymentTokenAsync()`, good for
    /// [`token_lifetime`](Settings::token_lifetime). Its text cannot be read back; for
    /// a header see [`accept_token`](Self::accept_token).
    pub fn mint_token(&self, user: &UserId, resource: &Resource) -> PluginPaymentToken {
        let mut state = lock(&self.state);
        let lifetime = state.settings.token_lifetime;
        state.mint(None, user, resource, lifetime)
    }

    /// A payment token that is good for as long as this.
    pub fn mint_token_for(
        &self,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) -> PluginPaymentToken {
        lock(&self.state).mint(None, user, resource, lifetime)
    }

    /// Makes this very payment token good, from now on and for as long as
    /// this: for tests that need to know it beforehand.
    pub fn accept_token(
        &self,
        token: PluginPaymentToken,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) {
        lock(&self.state).mint(Some(token), user, resource, lifetime);
    }

    /// Lets something go wrong with the calls from now on. Faults add up: each
    /// one strikes whatever the others do.
    ///
    /// # Panics
    ///
    /// For a [`Fault::Status`] that is not 400 to 599.
    pub fn inject(&self, fault: Fault, calls: Calls) {
        if let Fault::Status(status) = fault {
            assert!((400..600).contains(&status), "{status} is not a status of 400 to 599");
        }
        lock(&self.state).faults.inject(fault, calls);
    }

    /// From now on nothing goes wrong.
    pub fn clear_faults(&self) {
        lock(&self.state).faults.clear();
    }

    /// Moves its clock, by which payment tokens expire and limits recover.
    pub fn advance(&self, by: Duration) {
        lock(&self.state).clock.advance(by);
    }

    /// From now on only [`advance`](Self::advance) moves its clock.
    pub fn stop_clock(&self) {
        lock(&self.state).clock.stop();
    }

    /// The time on its clock, since it began.
    pub fn now(&self) -> Duration {
        lock(&self.state).clock.now()
    }

    /// The requests so far, oldest first, as they came and with their secrets.
    /// Of many or large ones only the last are
    /// [remembered](Self::REMEMBERED); [`dropped_requests`](Self::dropped_requests)
    /// says how many are missing.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.all()
    }

    /// How many requests were dropped for newer ones, since the start or since
    /// [`clear_requests`](Self::clear_requests).
    pub fn dropped_requests(&self) -> u64 {
        lock(&self.state).requests.dropped()
    }

    /// Forgets the requests so far, and how many were dropped.
    pub fn clear_requests(&self) {
        lock(&self.state).requests.clear();
    }

    /// What it does about a request: for servers of your own making.
    pub fn answer(&self, request: &Request) -> Reply {
        lock(&self.state).answer(request)
    }
}
