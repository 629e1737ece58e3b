//! How the control API shows the requests that the sandbox got. A request may have a real
//! secret in it, so only what is known to be harmless is shown; the rest is "…".

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use figma_payments::sandbox::{Exchange, Figma, Request};
use serde_json::{Value, json};
use url::Url;

const HIDDEN: &str = "…";

/// The headers whose values are shown.
const HEADERS: [&str; 28] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "pragma",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-correlation-id",
    "x-request-id",
];

/// The payment tokens that the sandbox made. They are not secret, and are shown. It keeps
/// the newest ones, as many as the sandbox remembers requests.
#[derive(Debug, Default)]
pub struct MintedTokens {
    oldest_first: VecDeque<String>,
    all: BTreeSet<String>,
}

impl MintedTokens {
    pub fn add(&mut self, token: &str) {
        if !self.all.insert(token.to_owned()) {
            self.oldest_first.retain(|known| known != token);
        }
        self.oldest_first.push_back(token.to_owned());
        if self.oldest_first.len() > Figma::REMEMBERED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &str> {
        self.oldest_first.iter().rev().map(String::as_str)
    }
}

/// The request and the status of its answer as JSON, without secrets.
pub fn redacted(exchange: &Exchange, minted: &MintedTokens) -> Value {
    let request = &exchange.request;
    let headers = request.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let shown =
            HEADERS.contains(&name.as_str()) && !value.contains('@') && !looks_secret(&value);
        (name.as_str(), if shown { value.into_owned() } else { HIDDEN.to_owned() })
    });
    json!({
        "number": exchange.number,
        "received": humantime::format_rfc3339_millis(exchange.received).to_string(),
        "method": plain_word(&request.method),
        "target": target(&request.target, minted),
        "asked_by": asked_by(request),
        "status": exchange.status,
        "payment_status": payment_status(&exchange.body),
        "headers": headers.collect::<BTreeMap<_, _>>(),
    })
}

/// The payment status that was answered, in whichever shape; null if none was.
fn payment_status(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match &body["meta"]["payment_status"] {
        Value::Object(shape) => shape.values().next().cloned().unwrap_or_default(),
        status => status.clone(),
    }
}

/// How the request asks about payments; `None` if it does not.
fn asked_by(request: &Request) -> Option<&'static str> {
    if request.path() != "/v1/payments" {
        return None;
    }
    let named = |name: &str| {
        let mut parameters = request.query().split('&');
        parameters.any(|it| it.split_once('=').is_some_and(|(given, _)| given == name))
    };
    match (named("plugin_payment_token"), named("user_id")) {
        (true, _) => Some("token"),
        (false, true) => Some("user"),
        (false, false) => None,
    }
}

fn target(target: &str, minted: &MintedTokens) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut shown = path.split('/').map(plain_word).collect::<Vec<_>>().join("/");
    if let Some(query) = query {
        let parameters = query.split('&').map(|parameter| self::parameter(parameter, minted));
        shown += "?";
        shown += &parameters.collect::<Vec<_>>().join("&");
    }
    shown
}

/// A part of a path, a method or the name of a parameter. It is shown if it is a plain
/// word, an id, or a version such as `v1`.
fn plain_word(text: &str) -> &str {
    let letters = |text: &str| {
        text.len() <= 24
            && text.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-.".contains(&byte))
    };
    let plain = letters(text) || is_id(text) || text.strip_prefix('v').is_some_and(is_id);
    if plain && !looks_secret(text) { text } else { HIDDEN }
}

fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text has the prefix of a Figma access token in it, or of a payment token as
/// the sandbox makes them.
fn looks_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["figd_", "figo_", "figu_", "ppt_"].iter().any(|prefix| text.contains(prefix))
}

fn parameter(parameter: &str, minted: &MintedTokens) -> String {
    let Some((name, value)) = parameter.split_once('=') else {
        return if parameter.is_empty() { String::new() } else { HIDDEN.to_owned() };
    };
    let harmless = match name {
        "user_id" | "plugin_id" | "widget_id" | "community_file_id" => is_id(value),
        "plugin_payment_token" => minted.all.contains(&decoded(value)),
        _ => false,
    };
    let value = if harmless || value.is_empty() { value } else { HIDDEN };
    format!("{}={value}", plain_word(name))
}

/// The value of a parameter without percent-encoding.
fn decoded(value: &str) -> String {
    let url = Url::parse(&format!("http://localhost/?value={value}"));
    let value = url.ok().and_then(|url| Some(url.query_pairs().next()?.1.into_owned()));
    value.unwrap_or_default()
}
