//! The gate's settings, and the layer.

use std::fmt;
use std::sync::Arc;

use figma_payments::{Entitlements, Resource, UserId};
use http::HeaderMap;
use http::request::Parts;
use tower_layer::Layer;

use crate::admission::{Admission, Limits};
use crate::caller::Caller;
use crate::check::Check;
use crate::service::Gated;
use crate::telemetry;

/// Lets only those requests through whose user has paid for a resource, or is in a trial.
///
/// It is a tower layer over any HTTP service. The [page of this crate](crate) says what
/// goes in and what comes out. Clones share their limits; a gate for another resource is
/// made with [`new`](Self::new), and has limits of its own.
///
/// | Setting | Default |
/// |---|---|
/// | [`token_from`](Self::token_from) | `Authorization: Bearer …` |
/// | [`caller_from`](Self::caller_from) | the address at the other end of the connection |
/// | [`calls_per_caller`](Self::calls_per_caller) | 30 a minute, 30 at once |
/// | [`max_questions`](Self::max_questions) | 64 at once, 16 of them of one caller |
/// | [`allow`](Self::allow) | nobody |
#[derive(Clone)]
#[must_use]
pub struct PaymentGate {
    check: Arc<Check>,
}

impl PaymentGate {
    /// A gate for the users of this plugin or widget. A Community file has no payment
    /// tokens, so nobody gets through a gate for one.
    ///
    /// Several gates for several resources are made of clones of the same
    /// [`Entitlements`], so that they share the answers in memory, the client, and its rate
    /// limits.
    pub fn new(entitlements: Entitlements, resource: Resource) -> Self {
        telemetry::describe();
        let check = Check {
            entitlements,
            resource,
            token_from: None,
            caller_from: None,
            allowed: Vec::new(),
            admission: Arc::new(Admission::new(Limits::default())),
        };
        PaymentGate { check: Arc::new(check) }
    }

    /// Takes the payment token from another place than `Authorization: Bearer`: from a
    /// header of your own, or from a cookie. `None` is answered with 401.
    ///
    /// The function gets the headers alone. A payment token does not belong into a URL,
    /// because proxies log URLs. If the function panics, the answer is 500 (not if your
    /// program is built with `panic = "abort"`).
    ///
    /// Shared caches keep no answer to a request with `Authorization`. With another header
    /// they may: set `Cache-Control: no-store` or `private` on what your routes answer. In
    /// a cookie, any page could send the token: check the origin then.
    ///
    /// ```
    /// # fn gate(gate: figma_payments_gate::PaymentGate) -> figma_payments_gate::PaymentGate {
    /// gate.token_from(|headers| {
    ///     Some(headers.get("x-payment-token")?.to_str().ok()?.to_owned())
    /// })
    /// # }
    /// ```
    pub fn token_from(
        self,
        token_from: impl Fn(&HeaderMap) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.with(|check| check.token_from = Some(Arc::new(token_from)))
    }

    /// Tells callers apart in another way than by the address at the other end of the
    /// connection. Behind a proxy this is needed, because there all requests come from the
    /// proxy's address.
    ///
    /// Believe only what your own proxy has written:
    ///
    /// - A header that the proxy *overwrites*: with nginx
    ///   `proxy_set_header X-Real-IP $remote_addr;`. This is the example below.
    /// - In `X-Forwarded-For` the rightmost entry that your own proxy has added. Those to
    ///   its left came with the request: anybody can send them, and be a new caller each
    ///   time. The whole header can be believed only if the proxy overwrites it.
    ///
    /// And let nobody reach the backend but through the proxy.
    ///
    /// The function is called when a request needs a call to Figma. `None` is answered with
    /// 500, and so is a panic.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use figma_payments_gate::Caller;
    ///
    /// # fn gate(gate: figma_payments_gate::PaymentGate) -> figma_payments_gate::PaymentGate {
    /// gate.caller_from(|request| {
    ///     let address = request.headers.get("x-real-ip")?.to_str().ok()?;
    ///     address.parse::<IpAddr>().ok().map(Caller::from)
    /// })
    /// # }
    /// ```
    pub fn caller_from(
        self,
        caller_from: impl Fn(&Parts) -> Option<Caller> + Send + Sync + 'static,
    ) -> Self {
        self.with(|check| check.caller_from = Some(Arc::new(caller_from)))
    }

    /// How many calls to Figma one caller may cause: so many a minute, and after a quiet
    /// time `burst` at once. Who asks more often gets 429 with `Retry-After`; answers in
    /// memory are given all the same. 0 counts as 1, and a burst above a million as a
    /// million.
    ///
    /// Each forged token costs a call, and Figma counts all of them as yours: it grants 300
    /// questions by token a minute (Figma's documentation). So by default one caller gets a
    /// tenth, which is enough for an office behind one address.
    ///
    /// The 10,000 callers of the last minutes are counted one by one, and those beyond
    /// them together.
    pub fn calls_per_caller(self, per_minute: u32, burst: u32) -> Self {
        self.with_limits(|limits| {
            limits.calls_per_minute = per_minute;
            limits.burst = burst;
        })
    }

    /// How many questions to Figma may be under way at once. One caller may have a quarter
    /// of them. Who finds no place gets 503 with `Retry-After: 1`, and no call is counted
    /// for them; answers in memory are given all the same. A request that waits for a
    /// question that is under way already takes no place. 0: Figma is never asked.
    ///
    /// If Figma does not answer, each question takes until the client's deadline (12 s by
    /// default). A place is free when its question has ended, not when the caller leaves.
    pub fn max_questions(self, questions: usize) -> Self {
        self.with_limits(|limits| limits.max_questions = questions)
    }

    /// Lets this user through although Figma says UNPAID, NOT_SUPPORTED or something new:
    /// for testers, and for the owner of the resource, who always reads UNPAID (Figma's
    /// documentation). Call it once for each user. Your own id is `figma.currentUser.id` in
    /// your plugin's code (with the permission `currentuser` in its manifest).
    ///
    /// Figma is asked all the same, and its answer has to be about this user and this
    /// resource; who cannot be asked about gets the same refusal as anybody.
    /// [`Paying`](crate::Paying) has the answer as it was: UNPAID.
    pub fn allow(self, user: UserId) -> Self {
        self.with(|check| check.allowed.push(user))
    }

    fn with(mut self, change: impl FnOnce(&mut Check)) -> Self {
        change(Arc::make_mut(&mut self.check));
        self
    }

    /// With counts of its own from here on.
    fn with_limits(self, change: impl FnOnce(&mut Limits)) -> Self {
        self.with(|check| {
            let mut limits = check.admission.limits;
            change(&mut limits);
            check.admission = Arc::new(Admission::new(limits));
        })
    }
}

/// Without functions and users.
impl fmt::Debug for PaymentGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Check { entitlements, resource, admission, .. } = &*self.check;
        f.debug_struct("PaymentGate")
            .field("entitlements", entitlements)
            .field("resource", resource)
            .field("limits", &admission.limits)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for PaymentGate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated::new(Arc::clone(&self.check), inner)
    }
}
