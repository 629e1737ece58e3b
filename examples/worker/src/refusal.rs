//! The answer when the plugin does not get what it asked for. "Has not paid" and
//! "could not find out" are two different answers.

use std::time::Duration;

use figma_payments::Error;
use serde_json::json;
use worker::{Response, console_error};

/// The longest `Retry-After` that the plugin gets. Figma may ask for days.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub enum Refusal {
    /// No payment token came with the request.
    NoToken,
    /// Figma says that this user has not paid.
    Unpaid,
    /// It could not be found out whether this user has paid.
    NoAnswer(Error),
    /// A setting of the Worker is missing or wrong.
    Misconfigured(worker::Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::NoAnswer(error)
    }
}

impl From<worker::Error> for Refusal {
    fn from(error: worker::Error) -> Self {
        Refusal::Misconfigured(error)
    }
}

impl Refusal {
    pub fn response(&self) -> worker::Result<Response> {
        let (status, word) = self.status_and_word();
        let response = Response::from_json(&json!({ "error": word }))?.with_status(status);
        match self {
            Refusal::NoAnswer(error) => {
                console_error!("{error}"); // an error holds no token and no URL
                if let Some(seconds) = error.suggested_retry_after(LONGEST_WAIT) {
                    response.headers().set("Retry-After", &seconds.to_string())?;
                }
            }
            Refusal::Misconfigured(error) => console_error!("{error}"),
            Refusal::NoToken | Refusal::Unpaid => {}
        }
        Ok(response)
    }

    /// The word is for the plugin to decide by; it is part of this backend's API.
    fn status_and_word(&self) -> (u16, &'static str) {
        match self {
            Refusal::NoToken => (401, "token_missing"),
            Refusal::Unpaid => (402, "payment_required"),
            Refusal::Misconfigured(_) => (500, "misconfigured"),
            Refusal::NoAnswer(error) => match error.suggested_status() {
                400 => (400, "bad_request"),
                401 => (401, "token_refused"),
                403 => (403, "wrong_plugin"),
                500 => (500, "misconfigured"),
                status => (status, "cannot_tell"),
            },
        }
    }
}
