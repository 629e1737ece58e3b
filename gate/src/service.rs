//! One request on its way through the gate.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use figma_payments::PaymentQuery;
use http::request::Parts;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::check::Check;
use crate::paying::Paying;
use crate::refusal::Refusal;
use crate::telemetry;

/// A service behind a [`PaymentGate`](crate::PaymentGate).
#[derive(Clone)]
pub struct Gated<S> {
    check: Arc<Check>,
    inner: S,
}

impl<S> Gated<S> {
    pub(crate) fn new(check: Arc<Check>, inner: S) -> Self {
        Gated { check, inner }
    }
}

impl<S: fmt::Debug> fmt::Debug for Gated<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gated").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Gated<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let query = match self.check.query(request.headers()) {
            Ok(query) => query,
            Err(refusal) => return ResponseFuture::refused(refusal),
        };
        match self.check.remembered(&query) {
            Some(Ok(paying)) => {
                let response = self.inner.call(granted(request, paying));
                ResponseFuture { state: State::Granted { response } }
            }
            Some(Err(refusal)) => ResponseFuture::refused(refusal),
            None => {
                // While Figma is asked, nothing that `poll_ready` has reserved is kept:
                // others need it who are in memory. So the service is replaced by a clone,
                // and another clone gets ready when the answer is there.
                let inner = self.inner.clone();
                drop(mem::replace(&mut self.inner, inner.clone()));
                let (parts, body) = request.into_parts();
                let decision = Box::pin(decide(Arc::clone(&self.check), query, parts));
                let rest = Some(Rest { inner, body });
                ResponseFuture { state: State::Asking { decision, rest } }
            }
        }
    }
}

/// What was asked, and what became of it.
type Decision = (Parts, Result<Paying, Refusal>);

async fn decide(check: Arc<Check>, query: PaymentQuery, parts: Parts) -> Decision {
    let decision = check.ask(&query, &parts).await;
    (parts, decision)
}

/// The request for the route. If there was a `Paying` before, this one takes its place.
fn granted<B>(mut request: Request<B>, paying: Paying) -> Request<B> {
    telemetry::granted(paying.0.source);
    request.extensions_mut().insert(paying);
    request
}

/// What waits for the decision.
struct Rest<S, ReqBody> {
    inner: S,
    body: ReqBody,
}

pin_project! {
    /// The response of a [`Gated`] service: that of the route, or a refusal.
    pub struct ResponseFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Asking {
            decision: Pin<Box<dyn Future<Output = Decision> + Send>>,
            rest: Option<Rest<S, ReqBody>>,
        },
        GettingReady { inner: S, request: Option<Request<ReqBody>> },
        Granted { #[pin] response: S::Future },
        Refused { refusal: Refusal },
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody> ResponseFuture<S, ReqBody> {
    fn refused(refusal: Refusal) -> Self {
        telemetry::refused(&refusal);
        ResponseFuture { state: State::Refused { refusal } }
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody> fmt::Debug for ResponseFuture<S, ReqBody> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project().state.project() {
                StateProjection::Asking { decision, rest } => {
                    let (parts, decision) = ready!(decision.as_mut().poll(context));
                    match (decision, rest.take()) {
                        (Ok(paying), Some(Rest { inner, body })) => {
                            let request = granted(Request::from_parts(parts, body), paying);
                            let request = Some(request);
                            ResponseFuture { state: State::GettingReady { inner, request } }
                        }
                        (Err(refusal), _) => Self::refused(refusal),
                        (Ok(_), None) => unreachable!("the next state follows at once"),
                    }
                }
                StateProjection::GettingReady { inner, request } => {
                    ready!(inner.poll_ready(context))?;
                    let request = request.take().expect("the next state follows at once");
                    ResponseFuture { state: State::Granted { response: inner.call(request) } }
                }
                StateProjection::Granted { response } => {
                    let response = ready!(response.poll(context))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::of_route)));
                }
                StateProjection::Refused { refusal } => {
                    return Poll::Ready(Ok(refusal.response(ResponseBody::of_refusal)));
                }
            };
            self.set(next);
        }
    }
}
