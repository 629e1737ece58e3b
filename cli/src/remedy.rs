//! What to do about an error, for the person at the terminal.

use std::time::Duration;

use figma_payments::{AskedBy, Error, ErrorKind};
use humantime::format_duration;

/// Where Figma hides it (developers.figma.com, personal access tokens).
pub const NEW_ACCESS_TOKEN: &str =
    "make one in Figma under Settings, Security, Personal access tokens";

/// What to do about it.
pub fn remedy(error: &Error, asked_by: AskedBy) -> String {
    let text = match (error.kind(), asked_by) {
        (ErrorKind::Unauthorized, AskedBy::User) => {
            return format!(
                "The access token in FIGMA_TOKEN was refused. Access tokens live 90 days at most: {NEW_ACCESS_TOKEN}."
            );
        }
        (ErrorKind::Unauthorized, _) => {
            return format!(
                "Either the payment token is too old or used up: have the plugin make another. Or the access token in FIGMA_TOKEN was refused, as asking with --user would show: they live 90 days at most; {NEW_ACCESS_TOKEN}."
            );
        }
        (ErrorKind::RateLimited, _) => return rate_limited(error),
        (ErrorKind::InvalidQuery | ErrorKind::BadRequest, _) => {
            "Check the ids, and what the server said."
        }
        (ErrorKind::Configuration, _) => "Mend the setting that is named.",
        (ErrorKind::Forbidden, _) => {
            "The access token is known and may not ask this: use one of the account that owns the resource."
        }
        (ErrorKind::NotFound, _) => {
            "Check the resource's id and kind (a widget is no plugin), and --base-url."
        }
        (ErrorKind::Redirect | ErrorKind::BodyTooLarge, _) => {
            "Something other than Figma answers: check --base-url, and what proxies are on the way."
        }
        (ErrorKind::Connect, _) => "Check the network, its proxy and certificates, and --base-url.",
        (ErrorKind::InvalidResponse, _) => {
            "A newer version of figma-payments may be able to read it."
        }
        (ErrorKind::Mismatch, AskedBy::Token) => {
            "The payment token is good for something else, or was made by somebody else: do not open anything for it."
        }
        (ErrorKind::Mismatch, _) => "Do not open anything for it.",
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
            " View and Collab seats have 10 questions a minute; Dev and Full seats more."
        }
        _ => "",
    };
    format!("{when}{why}")
}
