//! A backend for a paid plugin, as a Cloudflare Worker. `GET /palette` needs the header
//! `Authorization: Bearer` with the plugin's payment token. Its statuses are those of
//! `docs/production.md`.
//!
//! `cargo xtask deep worker` builds it and runs it in `workerd` against the
//! sandbox; `workerd.capnp` names its settings.

mod refusal;

use std::sync::OnceLock;
use std::time::Duration;

use figma_payments::{
    Client, Entitlement, Entitlements, PaymentQuery, PaymentStatus, PersonalAccessToken,
    PluginPaymentToken, RateLimits, Resource,
};
use refusal::Refusal;
use serde_json::json;
use worker::{Context, Cors, Env, Method, Request, Response, event, js_sys};

/// All requests of this isolate share the answers in memory, and one client with its rate
/// limit and retry budget.
static ENTITLEMENTS: OnceLock<Entitlements> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, _: Context) -> worker::Result<Response> {
    let answer = match (request.method(), request.path().as_str()) {
        (Method::Options, "/palette") => Response::empty()?.with_status(204),
        (Method::Get, "/palette") => match paying_user(&request, &env).await {
            Ok(user) => palette(&user)?,
            Err(refusal) => refusal.response()?,
        },
        _ => Response::from_json(&json!({ "error": "not_found" }))?.with_status(404),
    };
    // The plugin's page has the origin `null`. Figma's documentation says to allow `*`.
    let cors = Cors::new()
        .with_origins(["*"])
        .with_methods([Method::Get])
        .with_allowed_headers(["Authorization"])
        .with_exposed_headers(["Retry-After"]);
    answer.headers().set("Cache-Control", "no-store")?;
    answer.with_cors(&cors)
}

/// The paid feature.
fn palette(user: &Entitlement) -> worker::Result<Response> {
    let color = || format!("#{:06x}", (js_sys::Math::random() * 16_777_216.0) as u32);
    let colors: Vec<String> = (0..5).map(|_| color()).collect();
    let trial = user.payment.payment_status == PaymentStatus::Trial;
    Response::from_json(&json!({ "colors": colors, "trial": trial }))
}

/// Finds out whether the payment token that came with the request is that of a user with
/// access.
async fn paying_user(request: &Request, env: &Env) -> Result<Entitlement, Refusal> {
    let authorization = request.headers().get("Authorization")?.unwrap_or_default();
    let token = authorization.strip_prefix("Bearer ").ok_or(Refusal::NoToken)?;
    let token = PluginPaymentToken::new(token)?;
    // The Worker says which plugin it asks about. Otherwise a token of a cheap plugin would
    // give access to an expensive one.
    let plugin = Resource::plugin(env.var("PLUGIN_ID")?.to_string())?;
    let entitlement = entitlements(env)?.get(PaymentQuery::by_token(token, plugin)).await?;
    match entitlement.grants_access() {
        true => Ok(entitlement),
        false => Err(Refusal::Unpaid),
    }
}

/// The first request builds them: a Worker has no settings before that.
fn entitlements(env: &Env) -> Result<&'static Entitlements, Refusal> {
    if let Some(entitlements) = ENTITLEMENTS.get() {
        return Ok(entitlements);
    }
    let token = PersonalAccessToken::new(env.secret("FIGMA_TOKEN")?.to_string())?;
    let per_minute = env.var("CALLS_A_MINUTE")?.to_string();
    let per_minute =
        per_minute.parse().map_err(|_| worker::Error::from("CALLS_A_MINUTE is not a number"))?;
    // Shorter times than the defaults, because the plugin's page waits for the answer.
    let mut builder = Client::builder(token)
        .timeout(Duration::from_secs(2))
        .deadline(Duration::from_secs(5))
        .rate_limits(RateLimits::default().by_token(per_minute));
    if let Ok(sandbox) = env.var("FIGMA_BASE_URL") {
        builder = builder.base_url(sandbox.to_string());
    }
    let client = builder.build()?;
    Ok(ENTITLEMENTS.get_or_init(|| Entitlements::new(client)))
}
