//! The control API: HTTP requests by which a test in any language sets up the sandbox.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use figma_payments::sandbox::{Calls, Fault, Figma, Purchase, Reply, Request};
use figma_payments::{PluginPaymentToken, Resource, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::access_check::AccessCheck;
use super::redact::{MintedTokens, redacted};
use super::state_file::StateFile;

/// All paths of the control API begin with this. Figma has no such path.
pub const PREFIX: &str = "/_sandbox";

const ROUTES: [(&str, &str); 8] = [
    ("GET /_sandbox/purchases", "lists all purchases, as in the state file"),
    (
        "PUT /_sandbox/purchases",
        r#"sets one purchase: {"user_id": "500123", "plugin_id" or "widget_id" or "community_file_id": "1122334455", "payment_status": "PAID", "TRIAL", "UNPAID" or "NOT_SUPPORTED", "date_of_purchase": "2024-06-15T14:30:00Z"}; the date is optional, and stays after a refund"#,
    ),
    (
        "POST /_sandbox/tokens",
        r#"makes a payment token: {"user_id": "500123", "plugin_id" or "widget_id": "1122334455"}; optional: "lifetime_seconds", and the text of the "token""#,
    ),
    (
        "POST /_sandbox/faults",
        r#"injects a fault: {"fault": "status", "rate_limited", "delay", "reset", "cut_body", "wrong_user" or "wrong_resource", "next": 3} for the next 3 calls, {…, "all": true} for every call from now on, or {…, "share": 0.1, "seed": 7} for a tenth of all calls; the fault "status" also needs "status": 503, for instance, "rate_limited" needs "retry_after_seconds": 30, and "delay" needs "delay_ms": 1500"#,
    ),
    ("DELETE /_sandbox/faults", "removes all faults"),
    ("POST /_sandbox/clock", r#"moves the clock forward: {"advance_seconds": 3600}"#),
    (
        "GET /_sandbox/requests",
        "lists the requests to /v1/payments so far, the oldest first, without secrets; dropped says how many older ones are missing, if any",
    ),
    ("DELETE /_sandbox/requests", "clears that list"),
];

/// What is answered with status 200, or else the status and the message.
type Outcome = Result<Value, (u16, String)>;

#[derive(Debug)]
pub struct Control {
    /// Locked during each change, so that the file gets the changes in the same order as
    /// the sandbox.
    file: Mutex<Option<StateFile>>,
    access: AccessCheck,
    minted: AtomicU64,
    minted_tokens: Mutex<MintedTokens>,
}

impl Control {
    pub fn new(file: Option<StateFile>, access: AccessCheck) -> Self {
        Control {
            file: Mutex::new(file),
            access,
            minted: AtomicU64::new(0),
            minted_tokens: Mutex::default(),
        }
    }

    /// `None` if the request is not for the control API, but for Figma's.
    pub fn answer(&self, figma: &Figma, request: &Request) -> Option<Reply> {
        let path = request.path().strip_prefix(PREFIX)?;
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        let outcome = self
            .access
            .check(request)
            .and_then(|()| self.act(figma, &request.method, path, &request.body));
        let reply = match outcome {
            Ok(value) => Reply::json(200, format!("{value:#}\n")),
            Err((status, message)) => {
                let body = json!({ "error": true, "status": status, "message": message });
                Reply::json(status, format!("{body:#}\n"))
            }
        };
        Some(reply.not_recorded())
    }

    fn act(&self, figma: &Figma, method: &str, path: &str, body: &[u8]) -> Outcome {
        match (method, path) {
            ("GET", "" | "/") => Ok(json!(BTreeMap::from(ROUTES))),
            ("GET", "/purchases") => Ok(json!({ "purchases": figma.purchases() })),
            ("PUT", "/purchases") => self.set_purchase(figma, read(body)?),
            ("POST", "/tokens") => self.mint(figma, read(body)?),
            ("POST", "/faults") => inject(figma, read(body)?),
            ("DELETE", "/faults") => {
                figma.clear_faults();
                Ok(json!({}))
            }
            ("POST", "/clock") => advance(figma, read(body)?),
            ("GET", "/requests") => Ok(self.requests(figma)),
            ("DELETE", "/requests") => {
                figma.clear_requests();
                Ok(json!({}))
            }
            (_, path) => {
                let known =
                    ROUTES.iter().any(|(route, _)| route.ends_with(&format!("{PREFIX}{path}")));
                let status = if known { 405 } else { 404 };
                Err((
                    status,
                    format!("there is no {method} {PREFIX}{path}; GET {PREFIX} lists all requests"),
                ))
            }
        }
    }

    /// Writes the file first, so that a change that was answered is on the disk.
    fn set_purchase(&self, figma: &Figma, purchase: Purchase) -> Outcome {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*file {
            let mut purchases = figma.purchases();
            purchases.retain(|other| {
                (&other.user, &other.resource) != (&purchase.user, &purchase.resource)
            });
            purchases.push(purchase.clone());
            file.write(purchases).map_err(|error| {
                (
                    500,
                    format!(
                        "nothing was changed, because the state file cannot be written: {error}"
                    ),
                )
            })?;
        }
        figma.set(purchase.clone());
        Ok(json!(purchase))
    }

    fn mint(&self, figma: &Figma, mint: Mint) -> Outcome {
        let resource = match (mint.plugin_id, mint.widget_id) {
            (Some(id), None) => Resource::plugin(id),
            (None, Some(id)) => Resource::widget(id),
            _ => {
                return Err(refuse(
                    "give either plugin_id or widget_id: only plugins and widgets have payment tokens",
                ));
            }
        };
        let resource = resource.map_err(refuse)?;
        let seconds = mint.lifetime_seconds.map(Duration::from_secs);
        let lifetime = seconds.unwrap_or(figma.settings().token_lifetime);
        let text = mint.token.unwrap_or_else(|| self.fresh_token());
        let token = PluginPaymentToken::new(&*text).map_err(refuse)?;
        self.minted_tokens().add(&text);
        figma.accept_token(token, &mint.user_id, &resource, lifetime);
        Ok(json!({ "token": text, "good_for_seconds": lifetime.as_secs() }))
    }

    fn fresh_token(&self) -> String {
        format!("ppt_{}", self.minted.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The key `dropped` is there only if requests are missing.
    fn requests(&self, figma: &Figma) -> Value {
        let requests = figma.requests();
        let minted = self.minted_tokens();
        let requests = requests.iter().map(|request| redacted(request, &minted));
        let mut log = json!({ "requests": requests.collect::<Vec<_>>() });
        let dropped = figma.dropped_requests();
        if dropped > 0 {
            log["dropped"] = json!(dropped);
        }
        log
    }

    fn minted_tokens(&self) -> MutexGuard<'_, MintedTokens> {
        self.minted_tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, (u16, String)> {
    serde_json::from_slice(body).map_err(|error| {
        (400, format!("the body cannot be used: {error}; GET {PREFIX} shows what it should be"))
    })
}

fn refuse(why: impl ToString) -> (u16, String) {
    (400, why.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mint {
    user_id: UserId,
    plugin_id: Option<String>,
    widget_id: Option<String>,
    lifetime_seconds: Option<u64>,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inject {
    fault: Kind,
    status: Option<u16>,
    delay_ms: Option<u64>,
    retry_after_seconds: Option<u64>,
    next: Option<u32>,
    all: Option<bool>,
    share: Option<f64>,
    seed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    RateLimited,
    Delay,
    Reset,
    CutBody,
    WrongUser,
    WrongResource,
}

fn inject(figma: &Figma, inject: Inject) -> Outcome {
    let settings = (inject.status, inject.delay_ms, inject.retry_after_seconds);
    let fault = match (inject.fault, settings) {
        (Kind::Status, (Some(status @ 400..=599), None, None)) => Fault::Status(status),
        (Kind::Status, _) => {
            return Err(refuse("the fault status needs a status from 400 to 599"));
        }
        (Kind::Delay, (None, Some(delay), None)) => Fault::Delay(Duration::from_millis(delay)),
        (Kind::Delay, _) => return Err(refuse("the fault delay needs delay_ms")),
        (Kind::RateLimited, (None, None, Some(wait))) => {
            Fault::RateLimited(Duration::from_secs(wait))
        }
        (Kind::RateLimited, _) => {
            return Err(refuse("the fault rate_limited needs retry_after_seconds"));
        }
        (Kind::Reset, (None, None, None)) => Fault::Reset,
        (Kind::CutBody, (None, None, None)) => Fault::CutBody,
        (Kind::WrongUser, (None, None, None)) => Fault::WrongUser,
        (Kind::WrongResource, (None, None, None)) => Fault::WrongResource,
        _ => {
            return Err(refuse(
                "status is only for the fault status, delay_ms only for the fault delay, and retry_after_seconds only for the fault rate_limited",
            ));
        }
    };
    let calls = match (inject.next, inject.all, inject.share, inject.seed) {
        (Some(next), None, None, None) => Calls::Next(next),
        (None, Some(true), None, None) => Calls::All,
        (None, None, Some(share), seed) if (0.0..=1.0).contains(&share) => {
            Calls::Share { share, seed: seed.unwrap_or_default() }
        }
        _ => {
            return Err(refuse(
                "give either next, or \"all\": true, or a share from 0 to 1 and perhaps its seed",
            ));
        }
    };
    figma.inject(fault, calls);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
}

fn advance(figma: &Figma, advance: Advance) -> Outcome {
    let by = Duration::try_from_secs_f64(advance.advance_seconds)
        .map_err(|_| refuse("advance_seconds is negative or too large"))?;
    figma.advance(by);
    Ok(json!({ "seconds_since_start": figma.now().as_secs_f64() }))
}
