//! The control API: HTTP requests by which a test in any language sets up the sandbox.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use figma_payments::sandbox::{Exchange, Figma, Purchase, Quota, Reply, Request, StatusShape};
use figma_payments::{AskedBy, PluginPaymentToken, Resource, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::access_check::AccessCheck;
use super::events::{self, Source};
use super::fault::{self, FaultJson};
use super::page;
use super::plugin::Plugin;
use super::plugin_frames::{main_frame, ui_frame};
use super::redact::{MintedTokens, redacted};
use super::state_file::StateFile;

/// All paths of the control API begin with this. Figma has no such path.
pub const PREFIX: &str = "/_sandbox";

/// The access token that the sandbox accepts.
pub const ACCESS_TOKEN: &str = "figd_sandbox";

const ROUTES: [(&str, &str); 16] = [
    ("GET /_sandbox/settings", "how the sandbox was started"),
    ("GET /_sandbox/purchases", "lists all purchases, as in the state file"),
    (
        "PUT /_sandbox/purchases",
        r#"sets one purchase: {"user_id": "500123", "plugin_id" or "widget_id" or "community_file_id": "1122334455", "payment_status": "PAID", "TRIAL", "UNPAID" or "NOT_SUPPORTED", "date_of_purchase": "2024-06-15T14:30:00Z"}; the date is optional, and stays after a refund"#,
    ),
    (
        "GET /_sandbox/tokens",
        "lists the payment tokens that can be used, the newest first, with the seconds for which they can still be used",
    ),
    (
        "POST /_sandbox/tokens",
        r#"makes a payment token: {"user_id": "500123", "plugin_id" or "widget_id": "1122334455"}; optional: "lifetime_seconds", and the text of the "token""#,
    ),
    (
        "GET /_sandbox/faults",
        "lists the faults that still apply to calls; next is the number of calls that are left",
    ),
    (
        "POST /_sandbox/faults",
        r#"injects a fault: {"fault": "status", "rate_limited", "delay", "reset", "cut_body", "wrong_user" or "wrong_resource", "next": 3} for the next 3 calls, {…, "all": true} for every call from now on, or {…, "share": 0.1, "seed": 7} for a tenth of all calls; the fault "status" also needs "status": 503, for instance, "rate_limited" needs "retry_after_seconds": 30, and "delay" needs "delay_ms": 1500"#,
    ),
    ("DELETE /_sandbox/faults", "removes all faults"),
    ("DELETE /_sandbox/faults/ID", "removes one fault, by the id that is listed"),
    ("GET /_sandbox/clock", "tells the time on the sandbox's clock, which began at 0"),
    ("POST /_sandbox/clock", r#"moves the clock forward: {"advance_seconds": 3600}"#),
    (
        "GET /_sandbox/limits",
        "tells for each way of asking how many questions a minute are answered (null: any number), and how many of them are used up now",
    ),
    (
        "GET /_sandbox/requests",
        "lists the requests to /v1/payments so far, the oldest first, without secrets; dropped says how many older ones are missing, if any; a status is null if a fault took the connection",
    ),
    ("DELETE /_sandbox/requests", "clears that list"),
    (
        "GET /_sandbox/events",
        "tells the state and the newest 100 requests, and then what changes, as server-sent events: state (with counters of the changes to purchases and tokens, the faults and the limits) and requests (100 at most in each)",
    ),
    ("GET /_sandbox/plugin", "the manifest of --manifest, and the texts of its files"),
];

/// What is answered with status 200, or else the status and the message.
type Outcome = Result<Value, (u16, String)>;

#[derive(Debug)]
pub struct Control {
    /// Locked during each change, so that the file gets the changes in the same order as
    /// the sandbox.
    file: Mutex<Option<StateFile>>,
    access: AccessCheck,
    /// The plugin on the stage.
    plugin: Option<Plugin>,
    /// Where the purchases are kept, for people.
    kept_in: Option<String>,
    changes: Changes,
    /// A random part of each token: no sandbox makes a token that an earlier one made, which a
    /// backend may remember.
    token_prefix: u32,
    minted_count: AtomicU64,
    minted_tokens: Mutex<MintedTokens>,
}

/// How often each of these has changed, for those who want to know when to look again.
#[derive(Debug, Default)]
struct Changes {
    purchases: AtomicU64,
    tokens: AtomicU64,
    clock: AtomicU64,
}

impl Changes {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Control {
    pub fn new(file: Option<StateFile>, access: AccessCheck, plugin: Option<Plugin>) -> Self {
        Control {
            kept_in: file.as_ref().map(|file| file.path().display().to_string()),
            file: Mutex::new(file),
            access,
            plugin,
            changes: Changes::default(),
            token_prefix: fastrand::u32(..),
            minted_count: AtomicU64::new(0),
            minted_tokens: Mutex::default(),
        }
    }

    /// `None` if the request is for Figma.
    pub fn answer(self: &Arc<Self>, figma: &Figma, request: &Request) -> Option<Reply> {
        if let Some(reply) = self.document(request) {
            return Some(reply.not_recorded());
        }
        let Some(path) = own_path(request) else { return self.refused_page(request) };
        let outcome = self.access.check(request).and_then(|()| match (&*request.method, path) {
            ("GET", "/events") => {
                let (control, figma) = (Arc::clone(self), figma.clone());
                let events = move || events::stream(Arc::clone(&control), figma.clone());
                Ok(Reply::events(events).header("cache-control", "no-cache"))
            }
            (method, path) => {
                let answer = self.act(figma, method, path, &request.body)?;
                Ok(Reply::json(200, format!("{answer:#}\n")))
            }
        });
        Some(outcome.unwrap_or_else(refusal).not_recorded())
    }

    /// The documents and files for a browser. They are the same for everybody and hold
    /// nothing of the sandbox, so a link on another page may lead to them.
    fn document(&self, request: &Request) -> Option<Reply> {
        if request.method != "GET" || self.access.check_host(request).is_err() {
            return None;
        }
        if let Some(name) = request.path().strip_prefix(page::FILES) {
            return page::file(name);
        }
        match (request.path(), &self.plugin) {
            ("/", _) => Some(page::document(&page::INDEX)),
            ("/stage", Some(_)) => Some(page::document(&page::STAGE)),
            ("/favicon.ico", _) => Some(refusal((404, "there is no icon".to_owned()))),
            ("/stage", None) => Some(refusal(no_plugin())),
            ("/_sandbox/stage/main", Some(plugin)) => Some(frame(plugin, request, main_frame)),
            ("/_sandbox/stage/ui", Some(plugin)) => Some(frame(plugin, request, ui_frame)),
            _ => None,
        }
    }

    /// A page in a browser cannot ask Figma. If one of another origin tries, it must not be
    /// able to use up a fault, or to fill the list of requests. Browsers say where a request
    /// comes from only to loopback addresses and localhost: under another name of the sandbox
    /// this does not hold.
    fn refused_page(&self, request: &Request) -> Option<Reply> {
        // A page can send this header only if the sandbox allows it, and it never does.
        if request.headers.contains_key("x-figma-token") {
            return None;
        }
        let refused = self.access.check_site(request).err()?;
        Some(refusal(refused).not_recorded())
    }

    fn act(&self, figma: &Figma, method: &str, path: &str, body: &[u8]) -> Outcome {
        if let ("DELETE", Some(id)) = (method, path.strip_prefix("/faults/")) {
            return remove_fault(figma, id);
        }
        match (method, path) {
            ("GET", "" | "/") => Ok(json!(BTreeMap::from(ROUTES))),
            ("GET", "/settings") => Ok(self.settings(figma)),
            ("GET", "/purchases") => Ok(json!({ "purchases": figma.purchases() })),
            ("PUT", "/purchases") => self.set_purchase(figma, read(body)?),
            ("GET", "/tokens") => Ok(self.tokens(figma)),
            ("POST", "/tokens") => self.mint(figma, read(body)?),
            ("GET", "/faults") => Ok(json!({ "faults": faults(figma) })),
            ("POST", "/faults") => inject(figma, &read(body)?),
            ("DELETE", "/faults") => {
                figma.clear_faults();
                Ok(json!({}))
            }
            ("GET", "/clock") => Ok(clock(figma)),
            ("POST", "/clock") => self.advance(figma, &read(body)?),
            ("GET", "/limits") => Ok(limits(figma)),
            ("GET", "/requests") => Ok(self.requests(figma)),
            ("DELETE", "/requests") => {
                figma.clear_requests();
                Ok(json!({}))
            }
            ("GET", "/plugin") => self.read_plugin(),
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

    fn settings(&self, figma: &Figma) -> Value {
        let settings = figma.settings();
        let plugin = self.plugin.as_ref();
        json!({
            "access_token": ACCESS_TOKEN,
            "shape": match settings.shape {
                StatusShape::Type => "type",
                StatusShape::Status => "status",
                _ => "text",
            },
            "owner": settings.owner,
            "token_lifetime_seconds": settings.token_lifetime.as_secs(),
            "single_use_tokens": settings.single_use_tokens,
            "kept_in": self.kept_in,
            "plugin": plugin.map(|it| json!({ "id": it.resource.id(), "name": it.name })),
        })
    }

    fn read_plugin(&self) -> Outcome {
        let plugin = self.plugin.as_ref().ok_or_else(no_plugin)?;
        plugin.read().map_err(|why| (500, why))
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
        Changes::count(&self.changes.purchases);
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
        Changes::count(&self.changes.tokens);
        Ok(json!({ "token": text, "good_for_seconds": lifetime.as_secs() }))
    }

    fn fresh_token(&self) -> String {
        let number = self.minted_count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("ppt_{:08x}_{number}", self.token_prefix)
    }

    fn tokens(&self, figma: &Figma) -> Value {
        let minted = self.minted_tokens();
        let valid = minted.newest_first().filter_map(|text| {
            let token = PluginPaymentToken::new(text).ok()?;
            let valid = figma.valid_token(&token)?;
            let kind = match valid.resource {
                Resource::Widget(_) => "widget_id",
                _ => "plugin_id",
            };
            Some(json!({
                "token": text,
                "user_id": valid.user,
                kind: valid.resource.id(),
                "valid_for_seconds": valid.valid_for.as_secs_f64(),
            }))
        });
        json!({ "tokens": valid.collect::<Vec<_>>() })
    }

    fn advance(&self, figma: &Figma, advance: &Advance) -> Outcome {
        let by = Duration::try_from_secs_f64(advance.advance_seconds)
            .map_err(|_| refuse("advance_seconds is negative or too large"))?;
        figma.advance(by);
        Changes::count(&self.changes.clock);
        Changes::count(&self.changes.tokens);
        Ok(clock(figma))
    }

    /// The key `dropped` is there only if requests are missing.
    fn requests(&self, figma: &Figma) -> Value {
        let mut log = json!({ "requests": self.shown(&figma.exchanges_from(0)) });
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

impl Source for Control {
    fn state(&self, figma: &Figma) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Each request may use up a token.
        let used_up = match figma.settings().single_use_tokens {
            true => figma.exchange_numbers().end,
            false => 0,
        };
        json!({
            "purchases": count(&self.changes.purchases),
            "tokens": count(&self.changes.tokens) + used_up,
            "clock": { "moved": count(&self.changes.clock) },
            "faults": faults(figma),
            "limits": limits(figma),
        })
    }

    fn shown(&self, exchanges: &[Exchange]) -> Vec<Value> {
        let minted = self.minted_tokens();
        exchanges.iter().map(|exchange| redacted(exchange, &minted)).collect()
    }
}

/// The path below [`PREFIX`], if the request is for the control API.
fn own_path(request: &Request) -> Option<&str> {
    let path = request.path().strip_prefix(PREFIX)?;
    (path.is_empty() || path.starts_with('/')).then_some(path)
}

/// A frame of the plugin. With `published` in the query it may reach what a published plugin
/// may.
fn frame(plugin: &Plugin, request: &Request, frame: fn(&[String]) -> Reply) -> Reply {
    match plugin.domains(request.query() != "published") {
        Ok(domains) => frame(&domains),
        Err(why) => refusal((500, why)),
    }
}

fn no_plugin() -> (u16, String) {
    let why = "there is no plugin: start the sandbox with --manifest path/to/manifest.json";
    (404, why.to_owned())
}

fn refusal((status, message): (u16, String)) -> Reply {
    let body = json!({ "error": true, "status": status, "message": message });
    Reply::json(status, format!("{body:#}\n"))
}

fn faults(figma: &Figma) -> Vec<Value> {
    figma.faults().iter().map(fault::listed).collect()
}

fn inject(figma: &Figma, injected: &FaultJson) -> Outcome {
    let fault = injected.fault().map_err(refuse)?;
    let calls = injected.calls().map_err(refuse)?;
    Ok(json!({ "id": figma.inject(fault, calls) }))
}

fn remove_fault(figma: &Figma, id: &str) -> Outcome {
    match id.parse().is_ok_and(|id| figma.remove_fault(id)) {
        true => Ok(json!({})),
        false => Err((404, format!("there is no fault {id}; GET {PREFIX}/faults lists their ids"))),
    }
}

fn clock(figma: &Figma) -> Value {
    json!({ "seconds_since_start": figma.now().as_secs_f64() })
}

fn limits(figma: &Figma) -> Value {
    let limits = figma.settings().limits;
    let limit = |asked_by| {
        let per_minute = match limits.quota(asked_by) {
            Quota::PerMinute(queries) => json!(queries),
            Quota::RefuseAll => json!(0),
            _ => json!(null),
        };
        json!({ "per_minute": per_minute, "used": figma.used_quota(asked_by) })
    };
    json!({ "by_token": limit(AskedBy::Token), "by_user": limit(AskedBy::User) })
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
struct Advance {
    advance_seconds: f64,
}
