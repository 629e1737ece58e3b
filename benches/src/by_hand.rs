//! What a careful user writes without this crate: reqwest, timeouts, the token
//! in a header that is not printed, a look at the status, a typed answer.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::{Contender, PLUGIN, TOKEN, USER, tls};

pub struct Payments {
    http: reqwest::Client,
    url: String,
    token: HeaderValue,
}

#[derive(Debug, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub error: bool,
    pub meta: Payment,
}

#[derive(Debug, Deserialize)]
pub struct Payment {
    pub user_id: String,
    pub resource_id: String,
    pub resource_type: String,
    pub payment_status: Status,
    pub date_of_purchase: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Status {
    pub r#type: String,
}

#[derive(Debug)]
pub enum Failure {
    Http(reqwest::Error),
    Refused(StatusCode, String),
}

impl Payments {
    pub fn new(base_url: &str, token: &str) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(5))
            .build()?;
        let mut token = HeaderValue::from_str(token).expect("a token of visible characters");
        token.set_sensitive(true);
        Ok(Payments { http, url: format!("{base_url}/v1/payments"), token })
    }

    pub async fn get(&self, user: &str, plugin: &str) -> Result<Payment, Failure> {
        let response = self
            .http
            .get(&self.url)
            .header("X-Figma-Token", self.token.clone())
            .query(&[("user_id", user), ("plugin_id", plugin)])
            .send()
            .await?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure::Refused(status, response.text().await?));
        }
        let answer: Answer = response.json().await?;
        match answer.error {
            true => Err(Failure::Refused(status, format!("status {}", answer.status))),
            false => Ok(answer.meta),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Failure::Http(error.without_url())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Http(error) => error.fmt(f),
            Failure::Refused(status, message) => write!(f, "{status}: {message}"),
        }
    }
}

impl std::error::Error for Failure {}

impl Contender for Payments {
    async fn call(&self) {
        let payment = self.get(USER, PLUGIN).await.expect("a payment");
        assert_eq!((payment.user_id.as_str(), payment.resource_id.as_str()), (USER, PLUGIN));
        assert_eq!(payment.resource_type, "PLUGIN");
        assert!(matches!(payment.payment_status.r#type.as_str(), "PAID" | "TRIAL"));
        assert!(payment.date_of_purchase.is_some());
    }
}

pub fn new(base_url: &str) -> Payments {
    Payments::new(base_url, TOKEN).expect("a client")
}
