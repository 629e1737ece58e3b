//! What to do about an error, for the person at the terminal.

use std::time::Duration;

use figma_payments::{AskedBy, Error, ErrorKind};
use humantime::format_duration;

/// Where Figma's settings have it (developers.figma.com, personal access tokens).
pub const NEW_ACCESS_TOKEN: &str =
    "make one in Figma under Settings, Security, Personal access tokens";

/// What to do if Redis cannot be used.
pub const REDIS: &str = "Check that Redis runs and can be reached, and --redis or FIGMA_PAYMENTS_REDIS_URL. NOPERM: this user may not do it; docs/fleet.md has the permissions.";

/// What to do about it.
pub fn remedy(error: &Error, asked_by: AskedBy) -> String {
    let text = match (error.kind(), asked_by) {
        (ErrorKind::Unauthorized, AskedBy::User) => {
            return format!(
                "Figma refused the access token in FIGMA_TOKEN. An access token lives 90 days at most: {NEW_ACCESS_TOKEN}."
            );
        }
        (ErrorKind::Unauthorized, _) => {
            return format!(
                "Either the payment token is too old or was used before: let the plugin make a new one. Or Figma refused the access token in FIGMA_TOKEN, which lives 90 days at most: {NEW_ACCESS_TOKEN}. Ask with --user to see which of the two it is: that needs no payment token."
            );
        }
        (ErrorKind::RateLimited, _) => return rate_limited(error),
        (ErrorKind::InvalidQuery | ErrorKind::BadRequest, _) => {
            "Check the ids, and read what the server said."
        }
        (ErrorKind::Configuration, _) => "Correct the option or variable that the message names.",
        (ErrorKind::Forbidden, _) => {
            "Figma knows the access token, but does not let it ask this: use one of the account that owns the resource."
        }
        (ErrorKind::NotFound, _) => {
            "Check the id, whether it is a plugin or a widget, and --base-url."
        }
        (ErrorKind::Redirect | ErrorKind::BodyTooLarge, _) => {
            "This answer is not from Figma: check --base-url, and whether a proxy answers instead."
        }
        (ErrorKind::Connect, _) => "Check the network, the proxy, the certificates and --base-url.",
        (ErrorKind::InvalidResponse, _) => {
            "Update figma-payments: a newer version may be able to read this answer."
        }
        (ErrorKind::Mismatch, AskedBy::Token) => {
            "The payment token is for another resource or user: give no access."
        }
        (ErrorKind::Mismatch, _) => "The answer is about another resource or user: give no access.",
        (ErrorKind::Store, _) => REDIS,
        _ => "Try again later.",
    };
    text.to_owned()
}

fn rate_limited(error: &Error) -> String {
    let when = match error.suggested_retry_after(Duration::MAX) {
        Some(seconds) => {
            format!("Ask again in {}.", format_duration(Duration::from_secs(seconds)))
        }
        None => "Ask again in a minute.".to_owned(),
    };
    let seat = error.rate_limit().and_then(|limit| limit.limit_type.as_deref());
    let why = match seat {
        Some("low") => {
            " A View or Collab seat may ask 10 questions a minute, a Dev or Full seat more."
        }
        _ => "",
    };
    format!("{when}{why}")
}
