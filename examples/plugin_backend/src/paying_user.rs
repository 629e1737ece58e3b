//! The extractor: it turns the plugin's payment token into a paying user, or into a
//! refusal. A route with a [`PayingUser`] among its arguments is only for users who have
//! paid.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use figma_payments::{Entitlement, PaymentQuery, PluginPaymentToken};

use crate::refusal::Refusal;
use crate::routes::Backend;

/// A user who has paid for the plugin, or is in a trial.
pub struct PayingUser(pub Entitlement);

impl FromRequestParts<Arc<Backend>> for PayingUser {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        backend: &Arc<Backend>,
    ) -> Result<Self, Refusal> {
        let token = PluginPaymentToken::new(bearer(&parts.headers)?)?;
        // The backend says which plugin it asks about. Otherwise a token of a cheap plugin
        // would give access to an expensive one.
        let query = PaymentQuery::by_token(token, backend.plugin.clone());
        let entitlement = match backend.entitlements.get_cached(query.clone()).await {
            Some(cached) => cached,
            // Only calls to Figma are limited. A buyer whose answer is in memory may ask as
            // often as they like.
            None => {
                let ConnectInfo(caller) =
                    ConnectInfo::<SocketAddr>::from_request_parts(parts, backend)
                        .await
                        .expect("main starts the server with connect info");
                let _permit = backend.limit.acquire(caller.ip())?;
                backend.entitlements.get(query).await?
            }
        };
        match entitlement.grants_access() {
            true => Ok(PayingUser(entitlement)),
            false => Err(Refusal::Unpaid),
        }
    }
}

/// The payment token. It comes in a header and not in the URL, because proxies log URLs.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(AUTHORIZATION).ok_or(Refusal::NoToken)?;
    let value = value.to_str().map_err(|_| Refusal::NoToken)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Refusal::NoToken),
    }
}
