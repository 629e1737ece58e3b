//! What the sandbox knows, and what it answers.

use std::collections::HashMap;

use reqwest::Url;

use super::server::{Reply, Request};
use crate::api::types::{ErrorResponsePayload, GetPaymentsResponseBody};
use crate::{
    DateOfPurchase, PaymentInformation, PaymentParams, PaymentQuery, PaymentStatus,
    PluginPaymentToken, Resource, UserId,
};

pub(super) const ACCESS_TOKEN: &str = "figd_sandbox";

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) purchases: HashMap<(UserId, Resource), (PaymentStatus, Option<DateOfPurchase>)>,
    tokens: HashMap<String, (UserId, Resource)>,
}

impl State {
    pub(super) fn mint_token(&mut self, user: &UserId, resource: &Resource) -> PluginPaymentToken {
        let token = format!("ppt_sandbox_{}", self.tokens.len() + 1);
        self.tokens.insert(token.clone(), (user.clone(), resource.clone()));
        PluginPaymentToken::new(token).expect("made of letters and digits")
    }

    pub(super) fn answer(&self, request: &Request) -> Reply {
        let (path, query) = match request.target.split_once('?') {
            Some(parts) => parts,
            None => (request.target.as_str(), ""),
        };
        if path != "/v1/payments" {
            return refuse(404, "Not found");
        }
        if request.method != "GET" {
            return refuse(405, "Method not allowed").header("allow", "GET");
        }
        let token = request.headers.get("x-figma-token");
        if token.is_none_or(|token| token != ACCESS_TOKEN) {
            return refuse(401, "Token is missing or incorrect");
        }
        let query = match params(query)
            .and_then(|params| PaymentQuery::try_from(params).map_err(|error| error.to_string()))
        {
            Ok(query) => query,
            Err(why) => return refuse(400, &format!("Invalid parameter: {why}")),
        };
        let asked = match (query.payment_token(), query.user(), query.resource()) {
            (Some(token), _, _) => self.tokens.get(token.as_str()).cloned(),
            (None, Some(user), Some(resource)) => Some((user.clone(), resource.clone())),
            _ => None,
        };
        match asked {
            Some(asked) => self.payment(asked),
            None => refuse(401, "Payment token is missing or incorrect"),
        }
    }

    fn payment(&self, asked: (UserId, Resource)) -> Reply {
        let purchase = self.purchases.get(&asked).cloned();
        let (payment_status, date_of_purchase) = purchase.unwrap_or((PaymentStatus::Unpaid, None));
        let (user, resource) = asked;
        json(
            200,
            &GetPaymentsResponseBody {
                status: 200.into(),
                error: false,
                meta: PaymentInformation {
                    user_id: user.to_string(),
                    resource_id: resource.id().to_owned(),
                    resource_type: resource.resource_type(),
                    payment_status,
                    date_of_purchase,
                },
            },
        )
    }
}

fn params(query: &str) -> Result<PaymentParams, String> {
    let url = Url::parse(&format!("http://localhost/?{query}")).map_err(|e| e.to_string())?;
    let mut params = PaymentParams::default();
    for (name, value) in url.query_pairs() {
        let place = match &*name {
            "plugin_payment_token" => &mut params.plugin_payment_token,
            "user_id" => &mut params.user_id,
            "community_file_id" => &mut params.community_file_id,
            "plugin_id" => &mut params.plugin_id,
            "widget_id" => &mut params.widget_id,
            _ => continue,
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(format!("{name} is given twice"));
        }
    }
    Ok(params)
}

fn refuse(status: u16, message: &str) -> Reply {
    json(
        status,
        &ErrorResponsePayload { error: true, status: status.into(), message: message.to_owned() },
    )
}

fn json(status: u16, body: &impl serde::Serialize) -> Reply {
    let body = serde_json::to_vec(body).expect("a model without maps of odd keys");
    Reply::json(status, body)
}
