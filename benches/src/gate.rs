//! A request through the gate, whose answer is in memory, and the same request through a
//! layer that does nothing. The service behind both does nothing either.

use std::convert::Infallible;
use std::task::{Context, Poll};

use figma_payments::{Entitlements, PaymentQuery, PluginPaymentToken, Resource};
use figma_payments_gate::{PaymentGate, PeerAddress};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue};
use hyper::{Request, Response};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Contender, PLUGIN, client};

const PAYMENT_TOKEN: &str = "ppt_bench_0123456789abcdef0123456789abcdef";
const BEARER: &str = "Bearer ppt_bench_0123456789abcdef0123456789abcdef";

/// The route behind the layers. All refusals have another status.
#[derive(Clone)]
pub struct Route;

impl Service<Request<()>> for Route {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        std::future::ready(Ok(Response::new(())))
    }
}

/// A service as a server has it: one that is cloned for each request.
pub struct Layered<S>(S);

impl<S, B> Contender for Layered<S>
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
{
    async fn call(&self) {
        let mut request = Request::new(());
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static(BEARER));
        request.extensions_mut().insert(PeerAddress([127, 0, 0, 1].into()));
        let mut service = self.0.clone();
        std::future::poll_fn(|context| service.poll_ready(context)).await.expect("a service");
        let response = service.call(request).await.expect("a response");
        assert_eq!(response.status(), 200);
    }
}

pub fn gate(base_url: &str) -> impl Contender {
    let gate = PaymentGate::new(Entitlements::new(client::new(base_url)), plugin());
    Layered(gate.layer(Route))
}

/// The layer has a header to set, and never sets it.
pub fn layer() -> impl Contender {
    let never = |_: &Response<()>| None::<HeaderValue>;
    Layered(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, never).layer(Route))
}

/// The answer that the gate has asked for, without the gate.
pub struct Hit {
    entitlements: Entitlements,
    query: PaymentQuery,
}

impl Hit {
    pub fn new(base_url: &str) -> Self {
        let token = PluginPaymentToken::new(PAYMENT_TOKEN).expect("a token");
        let entitlements = Entitlements::new(client::new(base_url));
        Hit { entitlements, query: PaymentQuery::by_token(token, plugin()) }
    }
}

impl Contender for Hit {
    async fn call(&self) {
        let answer = self.entitlements.get(&self.query).await;
        assert!(answer.expect("an answer").grants_access());
    }
}

fn plugin() -> Resource {
    Resource::plugin(PLUGIN).expect("an id")
}
