//! Decides about one request: takes its token, and finds out whether its user may pass.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use figma_payments::{
    Entitlement, Entitlements, PaymentQuery, PluginPaymentToken, Resource, UserId,
};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::admission::Admission;
use crate::caller::Caller;
use crate::paying::Paying;
use crate::places::Place;
use crate::refusal::{Mistake, Refusal};

type TokenFrom = dyn Fn(&HeaderMap) -> Option<String> + Send + Sync;
type CallerFrom = dyn Fn(&Parts) -> Option<Caller> + Send + Sync;

/// What a gate decides by.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) entitlements: Entitlements,
    pub(crate) resource: Resource,
    pub(crate) token_from: Option<Arc<TokenFrom>>,
    pub(crate) caller_from: Option<Arc<CallerFrom>>,
    pub(crate) allowed: Vec<UserId>,
    pub(crate) admission: Arc<Admission>,
}

impl Check {
    /// The question about the user whose payment token is in these headers. It names the
    /// resource: otherwise a token of a cheap plugin would give access to an expensive one.
    pub(crate) fn query(&self, headers: &HeaderMap) -> Result<PaymentQuery, Refusal> {
        let token = match &self.token_from {
            None => bearer(headers).map(str::to_owned),
            Some(token_from) => caught("token_from", || token_from(headers))?
                .filter(|token| !token.trim().is_empty()),
        };
        let token = token.ok_or(Refusal::NoToken)?;
        let token = PluginPaymentToken::new(token).map_err(Refusal::NoAnswer)?;
        Ok(PaymentQuery::by_token(token, self.resource.clone()))
    }

    /// The decision, if the answer is in memory.
    pub(crate) fn remembered(&self, query: &PaymentQuery) -> Option<Result<Paying, Refusal>> {
        let cached = pin!(self.entitlements.get_cached(query));
        match cached.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(cached) => cached.map(|cached| self.decide(cached)),
            // A memory that does not answer at once. Whoever asks then looks again.
            Poll::Pending => None,
        }
    }

    /// The decision, by asking Figma if that is needed.
    pub(crate) async fn ask(&self, query: &PaymentQuery, parts: &Parts) -> Result<Paying, Refusal> {
        let answer = self.entitlements.get_admitted(query, || self.admit(parts)).await?;
        self.decide(answer.map_err(Refusal::NoAnswer)?)
    }

    fn admit(&self, parts: &Parts) -> Result<Place, Refusal> {
        let caller = match &self.caller_from {
            None => Caller::of_peer(parts),
            Some(caller_from) => caught("caller_from", || caller_from(parts))?,
        };
        let caller = caller.ok_or(Refusal::Misconfigured(Mistake::NoCaller))?;
        self.admission.admit(&caller).map_err(Refusal::NotAdmitted)
    }

    /// The library has compared the answer with the query.
    fn decide(&self, answer: Entitlement) -> Result<Paying, Refusal> {
        let allowed = || self.allowed.iter().any(|user| user.as_str() == answer.payment.user_id);
        match answer.grants_access() || allowed() {
            true => Ok(Paying(answer)),
            false => Err(Refusal::Unpaid),
        }
    }
}

/// The token in `Authorization: Bearer …`, unless it is empty.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    const SCHEME: &str = "Bearer ";
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty()).then_some(token)
}

/// Calls a function of the user's. The panic is printed by the panic hook, and its text goes
/// nowhere else: it may have a token in it.
fn caught<T>(name: &'static str, function: impl FnOnce() -> T) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(function))
        .map_err(|_| Refusal::Misconfigured(Mistake::Panic(name)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_read_from_a_bearer_header_alone() {
        for (value, token) in [
            ("Bearer ppt_1", Some("ppt_1")),
            ("bearer ppt_1", Some("ppt_1")),
            ("BEARER   ppt_1 ", Some("ppt_1")),
            ("Bearer ", None),
            ("Bearer  ", None),
            ("Bearer", None),
            ("ppt_1", None),
            ("Basic cHB0OnBwdA==", None),
            ("Bearer\u{e9} ppt_1", None),
        ] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            assert_eq!(bearer(&headers), token, "{headers:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
