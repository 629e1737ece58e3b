//! Payment tokens that Figma refused with 401 a short time ago, so that a forged token
//! costs one request, and not one for each try.

use std::time::Duration;

use quick_cache::sync::Cache;

use crate::client::AccessTokenVersion;
use crate::error::{Error, ErrorKind};
use crate::platform::clock::Instant;
use crate::store::question::TokenHash;

/// How many tokens are remembered. When there are more, the least used are asked about
/// again.
const MAX_TOKENS: usize = 10_000;

pub(super) struct RefusedTokens {
    refusals: Cache<TokenHash, Refusal>,
    time_to_live: Duration,
}

#[derive(Clone)]
struct Refusal {
    /// What a call gets instead of asking.
    error: Error,
    arrived: Instant,
    /// The access token that Figma was asked with.
    asked_with: AccessTokenVersion,
}

impl RefusedTokens {
    pub(super) fn new(time_to_live: Duration) -> Self {
        RefusedTokens { refusals: Cache::new(MAX_TOKENS), time_to_live }
    }

    /// Remembers the refusal, if this error is one.
    pub(super) fn on_error(&self, token: TokenHash, error: &Error, asked_with: AccessTokenVersion) {
        if error.kind() == ErrorKind::Unauthorized && !self.time_to_live.is_zero() {
            let error = error.clone().with(|details| {
                details.attempts = 0;
                // It may be long.
                details.response.api_message = None;
                details.message.push_str(
                    "; no request was sent, because this payment token was refused within the last seconds",
                );
            });
            self.refusals.insert(token, Refusal { error, arrived: Instant::now(), asked_with });
        }
    }

    /// Forgets the refusal, because Figma has accepted the token.
    pub(super) fn on_answer(&self, token: &TokenHash) {
        self.refusals.remove(token);
    }

    /// The error for a call with this token, if a question with it would be asked with the
    /// same access token.
    pub(super) fn error(&self, token: &TokenHash, now: AccessTokenVersion) -> Option<Error> {
        let Refusal { error, arrived, asked_with } = self.refusals.get(token)?;
        let is_remembered = arrived.elapsed() < self.time_to_live && asked_with == now;
        is_remembered.then_some(error)
    }
}
