//! Servers on loopback with the route `/export` behind a gate, and CORS around it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::routing::post;
use figma_payments_gate::{Paying, PaymentGate, PeerAddress, cors};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tower::ServiceBuilder;
use tower_http::add_extension::AddExtensionLayer;

use super::wire::{self, Answer};

/// What a browser sends along with every request of a plugin's page.
pub const PAGE: (&str, &str) = ("origin", "null");

/// A server. It stops when this is dropped.
pub struct Server {
    pub base_url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// The gate over axum and over hyper alone, with the name of each.
    pub async fn both(gate: &PaymentGate) -> [(&'static str, Server); 2] {
        let axum = Server::axum(app(gate.clone())).await;
        [("axum", axum), ("hyper", Server::hyper(gate.clone()).await)]
    }

    /// A server for axum that knows its callers' addresses.
    pub async fn axum(app: Router) -> Self {
        let (base_url, listener) = listen().await;
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Server { base_url, task }
    }

    /// One that does not.
    pub async fn axum_without_connect_info(app: Router) -> Self {
        let (base_url, listener) = listen().await;
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Server { base_url, task }
    }

    async fn hyper(gate: PaymentGate) -> Self {
        let (base_url, listener) = listen().await;
        let task = tokio::spawn(async move {
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let service = ServiceBuilder::new()
                    .layer(AddExtensionLayer::new(PeerAddress(peer.ip())))
                    .layer(cors())
                    .layer(gate.clone())
                    .service_fn(export_by_hyper);
                let service = TowerToHyperService::new(service);
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Server { base_url, task }
    }

    /// Asks for the export as the plugin's page does.
    pub async fn ask(&self, token: &str) -> Answer {
        self.ask_from([127, 0, 0, 1], token).await
    }

    /// The same from another address of this machine: on Linux all of 127.0.0.0/8 is that.
    pub async fn ask_from(&self, caller: [u8; 4], token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send_from(caller, &[PAGE, ("authorization", &bearer)]).await
    }

    /// A request with these headers.
    pub async fn send(&self, headers: &[(&str, &str)]) -> Answer {
        self.send_from([127, 0, 0, 1], headers).await
    }

    async fn send_from(&self, caller: [u8; 4], headers: &[(&str, &str)]) -> Answer {
        let stream = self.connect(caller.into()).await;
        wire::send_over(stream, "POST", "/export", headers, "{}").await.unwrap()
    }

    async fn connect(&self, caller: Ipv4Addr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((caller, 0).into()).unwrap();
        let address = self.base_url.trim_start_matches("http://").parse().unwrap();
        socket.connect(address).await.unwrap()
    }
}

async fn listen() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

/// axum's app of the README.
pub fn app(gate: PaymentGate) -> Router {
    Router::new().route("/export", post(export)).route_layer(gate).layer(cors())
}

pub async fn export(Paying(user): Paying) -> String {
    exported(&Paying(user))
}

async fn export_by_hyper(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let paying = request.extensions().get::<Paying>().expect("the gate is before it");
    Ok(Response::new(exported(paying)))
}

fn exported(Paying(user): &Paying) -> String {
    format!("exported for {}, {}", user.payment.user_id, user.payment.payment_status)
}
