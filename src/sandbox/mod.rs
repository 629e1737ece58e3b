// The page on testing. Its links lead to files; src/docs/ says how they lead elsewhere here.
#![cfg_attr(not(doctest), doc = include_str!("../docs/links/always.md"))]
#![cfg_attr(all(not(doctest), feature = "cache"), doc = include_str!("../docs/links/cache.md"))]
#![cfg_attr(not(any(doctest, feature = "cache")), doc = include_str!("../docs/links/without_cache.md"))]
#![cfg_attr(not(doctest), doc = include_str!("../docs/links/sandbox.md"))]
#![cfg_attr(not(doctest), doc = include_str!("../docs/links/pictures.md"))]
#![doc = include_str!("../../docs/testing.md")]

mod answers;
mod clock;
mod faults;
mod figma;
mod gate;
mod limits;
mod message;
mod purchase;
mod request_log;
mod script;
mod server;
mod settings;
mod state;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::model::credentials::{PersonalAccessToken, PluginPaymentToken};
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::resource::Resource;

pub use answers::{client, client_from};
pub use faults::{Calls, Fault, InjectedFault};
pub use figma::Figma;
pub use gate::Gate;
pub use limits::{FigmaLimits, Quota};
pub use message::{Exchange, Reply, Request};
pub use purchase::Purchase;
pub use script::Step;
pub use server::ScriptedServer;
pub use settings::{Settings, StatusShape};
pub use state::ValidToken;

/// A server that answers `GET /v1/payments` like Figma, from purchases that a test sets.
/// It stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    figma: Figma,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts on a free port of 127.0.0.1, without any purchase.
    ///
    /// # Errors
    ///
    /// If the operating system does not give it a port.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, no server is left behind.
    pub async fn start() -> io::Result<Self> {
        Sandbox::start_at(server::LOOPBACK, |_, _| None).await
    }

    /// Starts at this address; port 0 means a free port. Every request goes to `also` first.
    /// If that returns a reply, the simulated Figma does not see the request. It is in
    /// [`requests`](Self::requests) all the same.
    ///
    /// # Errors
    ///
    /// If the operating system does not give it the address.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, no server is left behind.
    pub async fn start_at(
        address: SocketAddr,
        also: impl Fn(&Figma, &Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Sandbox::start_with(Figma::new(), address, also).await
    }

    /// Like [`start_at`](Self::start_at), with a [`Figma`] that has its purchases and
    /// settings already, so that no request can arrive before they are set.
    ///
    /// # Errors
    ///
    /// If the operating system does not give it the address.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, no server is left behind. `figma` stays as it is.
    pub async fn start_with(
        figma: Figma,
        address: SocketAddr,
        also: impl Fn(&Figma, &Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let shared = figma.clone();
        let answer = move |request: &Request| match also(&shared, request) {
            Some(reply) => {
                if !reply.skips_log {
                    shared.record(request, &reply);
                }
                reply
            }
            None => shared.answer(request),
        };
        let (address, server) = server::listen(address, answer).await?;
        Ok(Sandbox { address, figma, server })
    }

    /// Its URL, for the client's [`base_url`](crate::ClientBuilder::base_url).
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The access token that it accepts, unless you changed
    /// [`access_tokens`](Settings::access_tokens).
    pub fn access_token(&self) -> PersonalAccessToken {
        settings::access_token()
    }

    /// The simulated Figma behind it, which all methods below change. For code that takes a
    /// [`Figma`].
    pub fn figma(&self) -> &Figma {
        &self.figma
    }

    /// Changes the settings from now on. See [`Figma::configure`].
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        self.figma.configure(change);
    }

    /// The settings. See [`Figma::settings`].
    pub fn settings(&self) -> Settings {
        self.figma.settings()
    }

    /// Sets the purchase of a user and a resource from now on. See [`Figma::set`].
    pub fn set(&self, purchase: Purchase) {
        self.figma.set(purchase)
    }

    /// Like [`set`](Self::set), with any status and date. See [`Figma::set_purchase`].
    pub fn set_purchase(
        &self,
        user: &UserId,
        resource: &Resource,
        status: PaymentStatus,
        date_of_purchase: Option<&str>,
    ) {
        self.figma.set_purchase(user, resource, status, date_of_purchase)
    }

    /// Replaces all purchases by these. See [`Figma::replace_purchases`].
    pub fn replace_purchases(&self, purchases: impl IntoIterator<Item = Purchase>) {
        self.figma.replace_purchases(purchases)
    }

    /// All purchases, sorted by user. See [`Figma::purchases`].
    pub fn purchases(&self) -> Vec<Purchase> {
        self.figma.purchases()
    }

    /// A new payment token, as the plugin would get it from `getPluginPaymentTokenAsync()`.
    /// See [`Figma::mint_token`].
    pub fn mint_token(&self, user: &UserId, resource: &Resource) -> PluginPaymentToken {
        self.figma.mint_token(user, resource)
    }

    /// A new payment token that is valid for this time. See [`Figma::mint_token_for`].
    pub fn mint_token_for(
        &self,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) -> PluginPaymentToken {
        self.figma.mint_token_for(user, resource, lifetime)
    }

    /// Makes this payment token valid for this time. See [`Figma::accept_token`].
    pub fn accept_token(
        &self,
        token: PluginPaymentToken,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) {
        self.figma.accept_token(token, user, resource, lifetime)
    }

    /// Injects a fault into calls from now on, and returns its id. See [`Figma::inject`].
    pub fn inject(&self, fault: Fault, calls: Calls) -> u64 {
        self.figma.inject(fault, calls)
    }

    /// Removes all faults. See [`Figma::clear_faults`].
    pub fn clear_faults(&self) {
        self.figma.clear_faults()
    }

    /// Moves its clock forward. See [`Figma::advance`].
    pub fn advance(&self, by: Duration) {
        self.figma.advance(by)
    }

    /// From now on only [`advance`](Self::advance) moves its clock. See [`Figma::stop_clock`].
    pub fn stop_clock(&self) {
        self.figma.stop_clock()
    }

    /// The time on its clock, which began at 0. See [`Figma::now`].
    pub fn now(&self) -> Duration {
        self.figma.now()
    }

    /// The requests so far, oldest first, with their secrets. See [`Figma::requests`].
    pub fn requests(&self) -> Vec<Request> {
        self.figma.requests()
    }

    /// How many requests were dropped to make room for newer ones. See
    /// [`Figma::dropped_requests`].
    pub fn dropped_requests(&self) -> u64 {
        self.figma.dropped_requests()
    }

    /// Forgets the requests so far, and how many were dropped. See [`Figma::clear_requests`].
    pub fn clear_requests(&self) {
        self.figma.clear_requests()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
