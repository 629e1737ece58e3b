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
use std::ops::Deref;

use tokio::task::JoinHandle;

use crate::model::credentials::PersonalAccessToken;

pub use faults::{Calls, Fault};
pub use figma::Figma;
pub use gate::Gate;
pub use limits::Limits;
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
}

impl Deref for Sandbox {
    type Target = Figma;

    fn deref(&self) -> &Figma {
        &self.figma
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
