//! The extractor: it makes a paying user of the plugin's payment token, or a
//! refusal. A route that takes a [`PayingUser`] is for those who have paid.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use figma_payments::{Entitlement, PaymentQuery, PluginPaymentToken};

use crate::refusal::Refusal;
use crate::routes::Backend;

/// A user who has paid for the plugin or is trying it, as far as is known.
pub struct PayingUser(pub Entitlement);

impl FromRequestParts<Arc<Backend>> for PayingUser {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        backend: &Arc<Backend>,
    ) -> Result<Self, Refusal> {
        let token = PluginPaymentToken::new(bearer(&parts.headers)?)?;
        // Which plugin is asked about is ours to say: the token of a cheap one
        // must not open a dear one.
        let query = PaymentQuery::by_token(token, backend.plugin.clone());
        let entitlement = match backend.entitlements.get_cached(query.clone()).await {
            Some(known) => known,
            // Only what may cost a call to Figma is counted: a buyer may come
            // back as often as they like.
            None => {
                let ConnectInfo(caller) =
                    ConnectInfo::<SocketAddr>::from_request_parts(parts, backend)
                        .await
                        .expect("main serves with connect info");
                let _place = backend.limit.admit(caller.ip())?;
                backend.entitlements.get(query).await?
            }
        };
        match entitlement.grants_access() {
            true => Ok(PayingUser(entitlement)),
            false => Err(Refusal::Unpaid),
        }
    }
}

/// The payment token. It comes in a header, because a URL is written into the
/// log of every proxy on the way.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(AUTHORIZATION).ok_or(Refusal::NoToken)?;
    let value = value.to_str().map_err(|_| Refusal::NoToken)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Refusal::NoToken),
    }
}
