//! The Figma that developers can test against (feature `sandbox`).
//!
//! Figma has no sandbox for this API: the development status of a plugin has no
//! effect on it, and the owner of a resource always reads UNPAID (Figma's
//! documentation). [`Sandbox`] is an HTTP server on loopback, in your test's
//! own process, that answers as the sources say Figma does.
//!
//! ```
//! use figma_payments::sandbox::Sandbox;
//! use figma_payments::{Client, PaymentQuery, PaymentStatus, Resource, UserId};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let sandbox = Sandbox::start().await?;
//! let (user, plugin) = (UserId::from(500123), Resource::plugin("1122334455")?);
//! sandbox.set_purchase(&user, &plugin, PaymentStatus::Paid, Some("2024-06-15T14:30:00Z"));
//!
//! let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url()).build()?;
//! let token = sandbox.mint_token(&user, &plugin);
//! let payment = client.get_payments(PaymentQuery::by_token(token, plugin)).await?;
//! assert!(payment.grants_access());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod script;
mod server;
mod state;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;

use crate::{
    DateOfPurchase, PaymentStatus, PersonalAccessToken, PluginPaymentToken, Resource, UserId,
};
use server::lock;
use state::State;

pub use script::Step;
pub use server::{Reply, Request, ScriptedServer};

/// A server that answers `GET /v1/payments` from the purchases it is given.
/// It stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts on a free port of 127.0.0.1, without any purchase.
    ///
    /// # Errors
    ///
    /// When the operating system gives it no port.
    pub async fn start() -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let (address, server) =
            server::listen(move |request| lock(&shared).answer(request)).await?;
        Ok(Sandbox { address, state, server })
    }

    /// Where it listens: the client's
    /// [`base_url`](crate::ClientBuilder::base_url).
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The one access token that it accepts.
    pub fn access_token(&self) -> PersonalAccessToken {
        PersonalAccessToken::new(state::ACCESS_TOKEN).expect("a constant that a header can carry")
    }

    /// Says where `user` stands with `resource` from now on. A refunded or
    /// lapsed purchase is UNPAID and keeps its date. Who has no entry is UNPAID
    /// without one.
    pub fn set_purchase(
        &self,
        user: &UserId,
        resource: &Resource,
        status: PaymentStatus,
        date_of_purchase: Option<&str>,
    ) {
        let date = date_of_purchase.map(DateOfPurchase::from);
        let whom = (user.clone(), resource.clone());
        lock(&self.state).purchases.insert(whom, (status, date));
    }

    /// A payment token, as the plugin would get it from
    /// `getPluginPaymentTokenAsync()`.
    pub fn mint_token(&self, user: &UserId, resource: &Resource) -> PluginPaymentToken {
        lock(&self.state).mint_token(user, resource)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
