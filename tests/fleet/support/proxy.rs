//! A network between a process and a Redis that can be made worse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::runtime;

/// What the network does. A change also holds for connections that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Nothing bad.
    Good,
    /// There and back takes this much longer.
    Slow {
        /// Half of it in each direction.
        round_trip: Duration,
    },
    /// There is this pause after each byte of an answer.
    Trickle {
        /// The timer is exact to a millisecond.
        pause: Duration,
    },
    /// A connection is closed in the middle of an answer.
    Cut {
        /// After this many bytes of answers.
        after: usize,
    },
    /// Nothing arrives while it is so. What was sent arrives later.
    Silent,
    /// Connections are closed at once, open ones too.
    Refuse,
}

/// A proxy on loopback before a server. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<watch::Sender<Network>>,
    server: Arc<AtomicU16>,
    task: AbortHandle,
}

impl Proxy {
    /// Before the server at this port of 127.0.0.1.
    pub fn before(port: u16) -> Self {
        let network = Arc::new(watch::Sender::new(Network::Good));
        let listener = runtime::run(TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a port of loopback is free");
        let address = listener.local_addr().expect("a listener has an address");
        let server = Arc::new(AtomicU16::new(port));
        let accepting = accept(listener, Arc::clone(&server), Arc::clone(&network));
        Proxy { address, network, server, task: runtime::spawn(accepting) }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of a Redis behind it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// New connections lead to this port from now on.
    pub fn lead_to(&self, port: u16) {
        self.server.store(port, Relaxed);
    }

    /// Changes the network.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    server: Arc<AtomicU16>,
    network: Arc<watch::Sender<Network>>,
) {
    // They end with this task.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                let server = SocketAddr::from(([127, 0, 0, 1], server.load(Relaxed)));
                connections.spawn(connection(client, server, network.subscribe()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(client: TcpStream, server: SocketAddr, network: watch::Receiver<Network>) {
    let mut refused = network.clone();
    let carried = async {
        let Ok(server) = TcpStream::connect(server).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let questions = Direction { is_answers: false, network: network.clone(), passed: 0 };
        let answers = Direction { is_answers: true, network, passed: 0 };
        // When one side closes, or a connection is cut, both sides are closed.
        tokio::select! {
            () = questions.carry(from_client, to_server) => {}
            () = answers.carry(from_server, to_client) => {}
        }
    };
    tokio::select! {
        biased;
        _ = refused.wait_for(|network| *network == Network::Refuse) => {}
        () = carried => {}
    }
}

/// One direction of a connection.
struct Direction {
    is_answers: bool,
    network: watch::Receiver<Network>,
    /// How many bytes have passed.
    passed: usize,
}

impl Direction {
    /// Bytes that are on their way do not hold up those behind them, so reading goes on
    /// while they wait.
    async fn carry(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let network = self.network.clone();
        let read = async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer).await {
                let delay = match *network.borrow() {
                    Network::Slow { round_trip } => round_trip / 2,
                    _ => Duration::ZERO,
                };
                let sent = sender.send((Instant::now() + delay, buffer[..length].to_vec()));
                if sent.is_err() {
                    return;
                }
            }
        };
        let write = async move {
            while let Some((due, bytes)) = receiver.recv().await {
                sleep_until(due).await;
                if self.pass(&bytes, &mut to).await.is_err() {
                    return;
                }
            }
        };
        // What was read before the end is still written.
        tokio::pin!(write);
        tokio::select! {
            () = &mut write => {}
            () = read => write.await,
        }
    }

    /// An error ends the connection.
    async fn pass(&mut self, bytes: &[u8], to: &mut OwnedWriteHalf) -> std::io::Result<()> {
        // It fails if the proxy is gone, and then this task is too.
        let _ = self.network.wait_for(|network| *network != Network::Silent).await;
        let network = *self.network.borrow();
        self.passed += bytes.len();
        match network {
            Network::Trickle { pause } if self.is_answers => {
                for byte in bytes {
                    to.write_all(&[*byte]).await?;
                    sleep(pause).await;
                }
                Ok(())
            }
            Network::Cut { after } if self.is_answers && self.passed > after => {
                to.write_all(&bytes[..bytes.len() / 2]).await?;
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
            _ => to.write_all(bytes).await,
        }
    }
}
