// The Figma to test against; what the module is for stands in `testing.md`.
#![doc = include_str!("testing.md")]

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

pub use faults::{Calls, Fault};
pub use figma::Figma;
pub use gate::Gate;
pub use limits::{FigmaLimits, Quota};
pub use message::{Reply, Request};
pub use purchase::Purchase;
pub use script::Step;
pub use server::ScriptedServer;
pub use settings::{Settings, StatusShape};

/// A [`Figma`] that listens: a server that answers `GET /v1/payments` from the
/// purchases it is given. It stops when it is dropped.
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
    /// When the operating system gives it no port.
    pub async fn start() -> io::Result<Self> {
        Sandbox::start_at(server::LOOPBACK, |_, _| None).await
    }

    /// Starts at this address, port 0 for a free one. `also` is asked first
    /// about every request: what it answers, Figma does not see.
    ///
    /// # Errors
    ///
    /// When the operating system does not give it that address.
    pub async fn start_at(
        address: SocketAddr,
        also: impl Fn(&Figma, &Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Sandbox::start_with(Figma::new(), address, also).await
    }

    /// [`start_at`](Self::start_at), with a Figma that was told its purchases
    /// and settings before: there is no request that comes too early for them.
    ///
    /// # Errors
    ///
    /// When the operating system does not give it that address.
    pub async fn start_with(
        figma: Figma,
        address: SocketAddr,
        also: impl Fn(&Figma, &Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let shared = figma.clone();
        let answer = move |request: &Request| {
            also(&shared, request).unwrap_or_else(|| shared.answer(request))
        };
        let (address, server) = server::listen(address, answer).await?;
        Ok(Sandbox { address, figma, server })
    }

    /// Where it listens: the client's
    /// [`base_url`](crate::ClientBuilder::base_url).
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The access token that it knows, unless
    /// [`access_tokens`](Settings::access_tokens) was changed.
    pub fn access_token(&self) -> PersonalAccessToken {
        settings::access_token()
    }

    /// The Figma behind it: what the functions below act on. For code that has a
    /// [`Figma`] and no server.
    pub fn figma(&self) -> &Figma {
        &self.figma
    }

    /// Changes how it behaves from now on. See [`Figma::configure`].
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        self.figma.configure(change);
    }

    /// How it behaves. See [`Figma::settings`].
    pub fn settings(&self) -> Settings {
        self.figma.settings()
    }

    /// Says where a user stands with a resource from now on. See [`Figma::set`].
    pub fn set(&self, purchase: Purchase) {
        self.figma.set(purchase)
    }

    /// [`set`](Self::set), spelled out. See [`Figma::set_purchase`].
    pub fn set_purchase(
        &self,
        user: &UserId,
        resource: &Resource,
        status: PaymentStatus,
        date_of_purchase: Option<&str>,
    ) {
        self.figma.set_purchase(user, resource, status, date_of_purchase)
    }

    /// Sets all purchases at once; those that are not among them are gone. See [`Figma::replace_purchases`].
    pub fn replace_purchases(&self, purchases: impl IntoIterator<Item = Purchase>) {
        self.figma.replace_purchases(purchases)
    }

    /// All purchases, by user. See [`Figma::purchases`].
    pub fn purchases(&self) -> Vec<Purchase> {
        self.figma.purchases()
    }

    /// A new payment token, as the plugin would get it from `getPluginPaymentTokenAsync()`. See [`Figma::mint_token`].
    pub fn mint_token(&self, user: &UserId, resource: &Resource) -> PluginPaymentToken {
        self.figma.mint_token(user, resource)
    }

    /// A payment token that is good for as long as this. See [`Figma::mint_token_for`].
    pub fn mint_token_for(
        &self,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) -> PluginPaymentToken {
        self.figma.mint_token_for(user, resource, lifetime)
    }

    /// Makes this payment token valid. See [`Figma::accept_token`].
    pub fn accept_token(
        &self,
        token: PluginPaymentToken,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) {
        self.figma.accept_token(token, user, resource, lifetime)
    }

    /// Lets something go wrong with the calls from now on. See [`Figma::inject`].
    pub fn inject(&self, fault: Fault, calls: Calls) {
        self.figma.inject(fault, calls)
    }

    /// From now on nothing goes wrong. See [`Figma::clear_faults`].
    pub fn clear_faults(&self) {
        self.figma.clear_faults()
    }

    /// Moves its clock, by which payment tokens expire and limits recover. See [`Figma::advance`].
    pub fn advance(&self, by: Duration) {
        self.figma.advance(by)
    }

    /// From now on only [`advance`](Self::advance) moves its clock. See [`Figma::stop_clock`].
    pub fn stop_clock(&self) {
        self.figma.stop_clock()
    }

    /// The time on its clock, since it began. See [`Figma::now`].
    pub fn now(&self) -> Duration {
        self.figma.now()
    }

    /// The requests so far, oldest first, as they came and with their secrets. See [`Figma::requests`].
    pub fn requests(&self) -> Vec<Request> {
        self.figma.requests()
    }

    /// How many requests were dropped for newer ones, since the start or since [`clear_requests`](Self::clear_requests). See [`Figma::dropped_requests`].
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
