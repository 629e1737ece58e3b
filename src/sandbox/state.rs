//! The state of the sandbox, and how it answers a request. Requests are answered one after
//! the other, so each answer fits one state.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use super::clock::Clock;
use super::faults::{FaultStatus, Faults};
use super::limits::Buckets;
use super::message::{Reply, Request};
use super::purchase::Purchase;
use super::request_log::RequestLog;
use super::settings::Settings;
use crate::api::operation;
use crate::api::types::{ErrorResponsePayload, GetPaymentsResponseBody, PaymentInformation};
use crate::model::credentials::PluginPaymentToken;
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::query::{AskedBy, PaymentParams, PaymentQuery};
use crate::model::resource::Resource;

/// A payment token that can be used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ValidToken {
    /// The user who made it.
    pub user: UserId,
    /// The plugin or widget that it was made in.
    pub resource: Resource,
    /// For how long it can still be used, by the sandbox's clock.
    pub valid_for: Duration,
}

/// The meaning of a payment token.
#[derive(Debug)]
struct TokenMeaning {
    user: UserId,
    resource: Resource,
    valid_until: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) purchases: BTreeMap<(UserId, Resource), Purchase>,
    pub(super) faults: Faults,
    pub(super) clock: Clock,
    pub(super) requests: RequestLog,
    tokens: HashMap<String, TokenMeaning>,
    /// How many payment tokens were made.
    token_count: u64,
    buckets: Buckets,
}

/// An answer other than 200.
struct Refusal {
    status: u16,
    message: String,
    /// The `Retry-After` of a 429.
    wait: Duration,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into(), wait: Duration::ZERO }
    }

    /// With the message that Figma's document has for the status.
    fn documented(status: u16) -> Self {
        let message = match status {
            400 => "Invalid parameter",
            401 => "Token is missing or incorrect",
            403 => "Forbidden",
            404 => "Not found",
            405 => "Method not allowed",
            429 => "Rate limit exceeded. Please wait before retrying.",
            500.. => "Internal server error",
            _ => "The request was refused",
        };
        let wait = Duration::from_secs(60); // the document says: "typically a minute"
        Refusal { wait, ..Refusal::new(status, message) }
    }
}

impl State {
    pub(super) fn set(&mut self, purchase: Purchase) {
        self.purchases.insert((purchase.user.clone(), purchase.resource.clone()), purchase);
    }

    /// Makes this payment token valid, or a new one.
    pub(super) fn mint(
        &mut self,
        token: Option<PluginPaymentToken>,
        user: &UserId,
        resource: &Resource,
        lifetime: Duration,
    ) -> PluginPaymentToken {
        let now = self.clock.now();
        self.token_count += 1;
        if self.token_count.is_power_of_two() {
            self.tokens.retain(|_, token| token.valid_until > now);
        }
        let token = token.unwrap_or_else(|| {
            PluginPaymentToken::new(format!("ppt_sandbox_{}", self.token_count))
                .expect("letters and digits make a valid token")
        });
        let meaning = TokenMeaning {
            user: user.clone(),
            resource: resource.clone(),
            valid_until: now.saturating_add(lifetime),
        };
        self.tokens.insert(token.as_str().to_owned(), meaning);
        token
    }

    /// What this payment token means, if it can be used.
    pub(super) fn valid_token(&self, token: &PluginPaymentToken) -> Option<ValidToken> {
        let now = self.clock.now();
        let meaning = self.tokens.get(token.as_str()).filter(|token| token.valid_until > now)?;
        Some(ValidToken {
            user: meaning.user.clone(),
            resource: meaning.resource.clone(),
            valid_for: meaning.valid_until - now,
        })
    }

    /// How many queries the fullest bucket for this way of asking holds.
    pub(super) fn used_quota(&self, asked_by: AskedBy) -> u32 {
        self.buckets.used(&self.settings.limits, asked_by, self.clock.now())
    }

    pub(super) fn record(&mut self, request: &Request, reply: &Reply) {
        self.requests.push(request.clone(), reply, self.settings.request_log_bytes);
    }

    /// Answers a request, and records it.
    pub(super) fn answer(&mut self, request: &Request) -> Reply {
        let reply = self.reply(request);
        self.record(request, &reply);
        reply
    }

    fn reply(&mut self, request: &Request) -> Reply {
        if request.path() != operation::PATH {
            return self.refuse(Refusal::documented(404));
        }
        if request.method != operation::METHOD {
            return self.refuse(Refusal::documented(405)).header("allow", operation::METHOD);
        }
        let faults = self.faults.of_next_call();
        let outcome = match faults.status() {
            Some(FaultStatus { status, retry_after }) => {
                let documented = Refusal::documented(status);
                Err(Refusal { wait: retry_after.unwrap_or(documented.wait), ..documented })
            }
            None => self.payment(request),
        };
        let reply = match outcome {
            Ok(payment) => self.success(faults.apply_to_success(payment)),
            Err(refusal) => self.refuse(refusal),
        };
        faults.apply_to_reply(reply)
    }

    fn payment(&mut self, request: &Request) -> Result<PaymentInformation, Refusal> {
        let access_token = self.known_access_token(request);
        let access_token = access_token.ok_or_else(|| Refusal::documented(401))?;
        let query = params(request.query())
            .and_then(|params| PaymentQuery::try_from(params).map_err(|error| error.to_string()))
            .map_err(|why| Refusal::new(400, format!("Invalid parameter: {why}")))?;
        let now = self.clock.now();
        self.buckets
            .add(&self.settings.limits, &access_token, query.asked_by(), now)
            .map_err(|wait| Refusal { wait, ..Refusal::documented(429) })?;
        let (user, resource) = match (query.payment_token(), query.user(), query.resource()) {
            (Some(token), _, _) => self.redeem(token)?,
            (None, Some(user), Some(resource)) => (user.clone(), resource.clone()),
            _ => return Err(Refusal::documented(400)),
        };
        if self.settings.foreign.contains(&resource) {
            return Err(Refusal::documented(403));
        }
        Ok(self.payment_information(user, resource))
    }

    fn known_access_token(&self, request: &Request) -> Option<String> {
        let given = request.headers.get("x-figma-token")?;
        let mut known = self.settings.access_tokens.iter().map(|token| token.as_str());
        known.find(|known| given == known).map(ToOwned::to_owned)
    }

    fn redeem(&mut self, token: &PluginPaymentToken) -> Result<(UserId, Resource), Refusal> {
        let ValidToken { user, resource, .. } =
            self.valid_token(token).ok_or_else(|| Refusal::documented(401))?;
        if self.settings.single_use_tokens {
            self.tokens.remove(token.as_str());
        }
        Ok((user, resource))
    }

    fn payment_information(&self, user: UserId, resource: Resource) -> PaymentInformation {
        let is_owner = self.settings.owner.as_ref() == Some(&user);
        let key = (user, resource);
        let purchase = self.purchases.get(&key).filter(|_| !is_owner);
        let (user, resource) = key;
        let status = purchase.map_or(PaymentStatus::Unpaid, |it| it.status.clone());
        let mut payment = PaymentInformation::new(&user, &resource, status);
        payment.date_of_purchase = purchase.and_then(|it| it.date_of_purchase.clone());
        payment
    }

    fn success(&self, payment: PaymentInformation) -> Reply {
        let shaped = self.settings.shape.write(&payment.payment_status);
        let body = GetPaymentsResponseBody { status: 200.into(), error: false, meta: payment };
        let mut body = json(&body);
        body["meta"]["payment_status"] = shaped;
        Reply::json(200, body.to_string())
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let Refusal { status, message, wait } = refusal;
        let body = ErrorResponsePayload { error: true, status: status.into(), message };
        let reply = Reply::json(status, json(&body).to_string());
        if status != 429 {
            return reply;
        }
        let limits = &self.settings.limits;
        reply
            .header("retry-after", &wait.as_millis().div_ceil(1000).to_string())
            .header("x-figma-plan-tier", &limits.plan_tier)
            .header("x-figma-rate-limit-type", &limits.limit_type)
            .header("x-figma-upgrade-link", &limits.upgrade_link)
    }
}

fn json(body: &impl serde::Serialize) -> Value {
    serde_json::to_value(body).expect("the generated models can be written as JSON")
}

fn params(query: &str) -> Result<PaymentParams, String> {
    let url = Url::parse(&format!("http://localhost/?{query}")).map_err(|e| e.to_string())?;
    let mut params = PaymentParams::default();
    for (name, value) in url.query_pairs() {
        let parameter = match &*name {
            "plugin_payment_token" => &mut params.plugin_payment_token,
            "user_id" => &mut params.user_id,
            "community_file_id" => &mut params.community_file_id,
            "plugin_id" => &mut params.plugin_id,
            "widget_id" => &mut params.widget_id,
            _ => continue,
        };
        if parameter.replace(value.into_owned()).is_some() {
            return Err(format!("{name} is given twice"));
        }
    }
    Ok(params)
}
