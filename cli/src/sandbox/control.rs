//! The control API: what a test in any language tells the sandbox.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use figma_payments::sandbox::{Calls, Fault, Figma, Purchase, Reply, Request};
use figma_payments::{PluginPaymentToken, Resource, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::access_check::Callers;
use super::redact::{self, MadeTokens};
use super::state_file::StateFile;

/// All of the control API lies below it; Figma has no such path.
pub const PREFIX: &str = "/_sandbox";

const ROUTES: [(&str, &str); 8] = [
    ("GET /_sandbox/purchases", "all purchases, as in the state file"),
    (
        "PUT /_sandbox/purchases",
        r#"one purchase: {"user_id": "500123", "plugin_id" or "widget_id" or "community_file_id": "1122334455", "payment_status": "PAID", "TRIAL", "UNPAID" or "NOT_SUPPORTED", "date_of_purchase": "2024-06-15T14:30:00Z"}; the date may be left out, and stays after a refund"#,
    ),
    (
        "POST /_sandbox/tokens",
        r#"a payment token: {"user_id": "500123", "plugin_id" or "widget_id": "1122334455"}; with "lifetime_seconds" and "token" if they matter"#,
    ),
    (
        "POST /_sandbox/faults",
        r#"a fault: {"fault": "status", "delay", "reset", "cut_body", "wrong_user" or "wrong_resource", "next": 3}, or {…, "share": 0.1, "seed": 7}; with "status": 503 or "delay_ms": 1500"#,
    ),
    ("DELETE /_sandbox/faults", "no more faults"),
    ("POST /_sandbox/clock", r#"moves the clock: {"advance_seconds": 3600}"#),
    (
        "GET /_sandbox/requests",
        "the requests to the API so far, the oldest first, without secrets; dropped says how many older ones are missing, if any",
    ),
    ("DELETE /_sandbox/requests", "forgets them"),
];

/// Status and message of what went wrong.
type Outcome = Result<Value, (u16, String)>;

#[derive(Debug)]
pub struct Control {
    /// Locked over each change, so that the file has them in their order.
    file: Mutex<Option<StateFile>>,
    callers: Callers,
    minted: AtomicU64,
    made_tokens: Mutex<MadeTokens>,
}

impl Control {
    pub fn new(file: Option<StateFile>, callers: Callers) -> Self {
        Control {
            file: Mutex::new(file),
            callers,
            minted: AtomicU64::new(0),
            made_tokens: Mutex::default(),
        }
    }

    /// Nothing, if the request is one to Figma.
    pub fn answer(&self, figma: &Figma, request: &Request) -> Option<Reply> {
        let path = request.path().strip_prefix(PREFIX)?;
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        let outcome = self
            .callers
            .check(request)
            .and_then(|()| self.act(figma, &request.method, path, &request.body));
        Some(match outcome {
            Ok(value) => Reply::json(200, format!("{value:#}\n")),
            Err((status, message)) => {
                let body = json!({ "error": true, "status": status, "message": message });
                Reply::json(status, format!("{body:#}\n"))
            }
        })
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
                    format!(
                        "there is no {method} {PREFIX}{path}; GET {PREFIX} lists what there is"
                    ),
                ))
            }
        }
    }

    /// What is answered is on the disk: the file is written first.
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
                    "either plugin_id or widget_id is expected: only they make payment tokens",
                ));
            }
        };
        let resource = resource.map_err(refuse)?;
        let seconds = mint.lifetime_seconds.map(Duration::from_secs);
        let lifetime = seconds.unwrap_or(figma.settings().token_lifetime);
        let text = mint.token.unwrap_or_else(|| self.fresh_token());
        let token = PluginPaymentToken::new(&*text).map_err(refuse)?;
        self.made_tokens().add(&text);
        figma.accept_token(token, &mint.user_id, &resource, lifetime);
        Ok(json!({ "token": text, "good_for_seconds": lifetime.as_secs() }))
    }

    fn fresh_token(&self) -> String {
        format!("ppt_{}", self.minted.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// `dropped` is there only when some are missing.
    fn requests(&self, figma: &Figma) -> Value {
        let requests = figma.requests();
        let made = self.made_tokens();
        let shown = requests.iter().map(|request| redact::request(request, &made));
        let mut log = json!({ "requests": shown.collect::<Vec<_>>() });
        let dropped = figma.dropped_requests();
        if dropped > 0 {
            log["dropped"] = json!(dropped);
        }
        log
    }

    fn made_tokens(&self) -> MutexGuard<'_, MadeTokens> {
        self.made_tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, (u16, String)> {
    serde_json::from_slice(body).map_err(|error| {
        (400, format!("the body is not what was expected: {error}; GET {PREFIX} shows it"))
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
    next: Option<u32>,
    share: Option<f64>,
    seed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    Delay,
    Reset,
    CutBody,
    WrongUser,
    WrongResource,
}

fn inject(figma: &Figma, inject: Inject) -> Outcome {
    let fault = match (inject.fault, inject.status, inject.delay_ms) {
        (Kind::Status, Some(status @ 400..=599), None) => Fault::Status(status),
        (Kind::Status, _, _) => return Err(refuse("a status of 400 to 599 is expected")),
        (Kind::Delay, None, Some(delay)) => Fault::Delay(Duration::from_millis(delay)),
        (Kind::Delay, _, _) => return Err(refuse("delay_ms is expected")),
        (Kind::Reset, None, None) => Fault::Reset,
        (Kind::CutBody, None, None) => Fault::CutBody,
        (Kind::WrongUser, None, None) => Fault::WrongUser,
        (Kind::WrongResource, None, None) => Fault::WrongResource,
        _ => return Err(refuse("status goes with the fault status, and delay_ms with delay")),
    };
    let calls = match (inject.next, inject.share, inject.seed) {
        (Some(next), None, None) => Calls::Next(next),
        (None, Some(share), seed) if (0.0..=1.0).contains(&share) => {
            Calls::Share { share, seed: seed.unwrap_or_default() }
        }
        _ => {
            return Err(refuse(
                "either next, or a share from 0 to 1 (and perhaps its seed) is expected",
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
        .map_err(|_| refuse("advance_seconds is not a span of time that can pass"))?;
    figma.advance(by);
    Ok(json!({ "seconds_since_start": figma.now().as_secs_f64() }))
}
