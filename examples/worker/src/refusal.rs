//! What the plugin is answered in place of what it asked for. "Has not paid" is
//! one thing, "could not tell" another.

use std::time::Duration;

use figma_payments::{Error, ErrorKind};
use serde_json::json;
use worker::{Response, console_error};

/// The plugin's user is not kept waiting for longer. Figma may ask for days.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub enum Refusal {
    /// No payment token came with the request.
    NoToken,
    /// Figma said so.
    Unpaid,
    /// There is no answer about this token, or none that counts.
    NoAnswer(Error),
    /// A setting is missing.
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
        let (status, word) = self.status();
        let response = Response::from_json(&json!({ "error": word }))?.with_status(status);
        match self {
            Refusal::NoAnswer(error) => {
                console_error!("{error}"); // there is no token and no URL in it
                if let (503, Some(wait)) = (status, error.retry_after()) {
                    let seconds = wait.min(LONGEST_WAIT).as_millis().div_ceil(1000).max(1);
                    response.headers().set("Retry-After", &seconds.to_string())?;
                }
            }
            Refusal::Misconfigured(error) => console_error!("{error}"),
            Refusal::NoToken | Refusal::Unpaid => {}
        }
        Ok(response)
    }

    /// The README's table.
    fn status(&self) -> (u16, &'static str) {
        match self {
            Refusal::NoToken => (401, "token_missing"),
            Refusal::Unpaid => (402, "payment_required"),
            Refusal::Misconfigured(_) => (500, "misconfigured"),
            Refusal::NoAnswer(error) => match error.kind() {
                ErrorKind::InvalidQuery | ErrorKind::BadRequest => (400, "bad_request"),
                ErrorKind::Unauthorized => (401, "token_refused"),
                ErrorKind::Mismatch => (403, "wrong_plugin"),
                ErrorKind::Configuration => (500, "misconfigured"),
                _ => (503, "cannot_tell"),
            },
        }
    }
}
