//! One call: a slot from the rate limiter, an attempt, and what to do after it.

use std::borrow::Borrow;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tracing::Instrument;

use super::rate_limiter::RateLimiter;
use super::rate_limiter::wait_policy::WaitPolicy;
use super::redact::Secrets;
use super::times::{A_YEAR, MINUTE};
use super::{Client, Shared, decode};
use crate::api::types::PaymentInformation;
use crate::error::{Error, ErrorKind};
use crate::model::query::{AskedBy, PaymentQuery};
use crate::platform::attempt;
use crate::platform::clock::{Instant, sleep};

type Answer = Result<PaymentInformation, Error>;

/// What a call is asked to do, beside its question.
pub(crate) struct CallOptions<F> {
    pub(crate) wait: WaitPolicy,
    /// When the call ends, whatever it has by then.
    pub(crate) deadline: Instant,
    /// Called just before each attempt goes out. What it gives for the last one
    /// comes back with the answer.
    pub(crate) before_attempt: F,
}

/// What to do after an attempt.
enum Next {
    Return(Answer),
    /// As soon as the rate limiter has a slot.
    AskAgain,
    WaitThenAskAgain(Duration),
}

/// What the attempts of a call have told so far.
struct RetryState<'a> {
    shared: &'a Shared,
    asked_by: AskedBy,
    wait: WaitPolicy,
    deadline: Instant,
    attempts: u32,
    /// Attempts that ended in a 429 and that a batch waits out. The retry policy
    /// does not count them.
    limited: u32,
    last_error: Option<Error>,
    /// The first failure after which the server may have used the payment token up.
    maybe_used_up: Option<Error>,
}

impl Client {
    /// Asks Figma about one user and one resource (`GET /v1/payments`).
    ///
    /// Takes a [`PaymentQuery`] by value or by reference. Make one of
    /// [`PaymentParams`](crate::PaymentParams) if your input is untyped. The
    /// response is checked: it is about the user and the resource that you asked
    /// about, or you get an error.
    /// [`grants_access`](PaymentInformation::grants_access) says whether the user
    /// has access.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind); [`Error::suggested_status`] says what
    /// to answer your own caller. "Has not paid" is no error: it is a
    /// [`PaymentInformation`] that grants no access.
    pub async fn get_payments(
        &self,
        query: impl Borrow<PaymentQuery>,
    ) -> Result<PaymentInformation, Error> {
        let deadline = self.deadline(Instant::now());
        let options = CallOptions { wait: WaitPolicy::Deadline, deadline, before_attempt: || {} };
        Ok(self.call(query.borrow(), options).await?.0)
    }

    /// A call with options of its own.
    pub(crate) async fn call<M>(
        &self,
        query: &PaymentQuery,
        options: CallOptions<impl Fn() -> M>,
    ) -> Result<(PaymentInformation, M), Error> {
        query.check()?;
        let telemetry = &self.shared.telemetry;
        let span = telemetry.call_began(&self.shared.base_url, query);
        let attempts = pin!(self.attempts(query, options)); // not moved: it is large
        let outcome = attempts.instrument(span.clone()).await;
        let by_token = query.asked_by() == AskedBy::Token;
        let outcome = outcome.map_err(|error| error.with(|details| details.by_token = by_token));
        telemetry.call_ended(&span, &outcome);
        outcome
    }

    /// One attempt: asks, and judges what comes of it.
    async fn attempt(
        &self,
        query: &PaymentQuery,
        timeout: Duration,
    ) -> Result<PaymentInformation, Error> {
        let Shared { http, bindings_url, .. } = &*self.shared;
        #[cfg(test)]
        if let Some(simulated) = &self.shared.simulated {
            let answered = tokio::time::timeout(timeout, simulated(query.clone())).await;
            return answered.unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "simulated")));
        }
        let credential = self.shared.credential.read();
        let credential = Arc::clone(&credential.unwrap_or_else(PoisonError::into_inner));
        let header = Arc::clone(&credential.header);
        let parameters = query.parameters();
        let attempted =
            attempt::get_payments(http, bindings_url, header, timeout, parameters).await;
        let secrets = Secrets { access: &credential.token, payment: query.payment_token() };
        decode::decode(attempted, query, &secrets)
    }

    /// When a call that begins now has to end.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        now + self.shared.settings.deadline.min(A_YEAR)
    }

    /// The retry loop.
    async fn attempts<M>(
        &self,
        query: &PaymentQuery,
        options: CallOptions<impl Fn() -> M>,
    ) -> Result<(PaymentInformation, M), Error> {
        let mut state = RetryState {
            shared: &self.shared,
            asked_by: query.asked_by(),
            wait: options.wait,
            deadline: options.deadline,
            attempts: 0,
            limited: 0,
            last_error: None,
            maybe_used_up: None,
        };
        let mut now = Instant::now();
        loop {
            let slot = state.limiter().acquire(state.wait, now, state.deadline).await;
            let sent = match slot {
                Ok(sent) => sent,
                Err(no_slot) => return Err(state.last_error.unwrap_or(no_slot)),
            };
            let timeout = state.begin(self, sent);
            let mark = (options.before_attempt)();
            let answer = self.attempt(query, timeout).await;
            match state.next(sent, answer) {
                Next::Return(answer) => return answer.map(|answer| (answer, mark)),
                Next::AskAgain => now = Instant::now(),
                Next::WaitThenAskAgain(wait) => {
                    sleep(wait).await;
                    now = Instant::now();
                    if let Some(error) = state.last_error.take_if(|_| now >= state.deadline) {
                        return Err(error);
                    }
                }
            }
        }
    }
}

impl<'a> RetryState<'a> {
    fn limiter(&self) -> &'a RateLimiter {
        self.shared.limiters.of(self.asked_by)
    }

    /// An attempt begins. Gives the time that it may take.
    fn begin(&mut self, client: &Client, sent: Instant) -> Duration {
        if self.wait == WaitPolicy::Batch {
            // The wait for a slot takes nothing from the deadline.
            self.deadline = client.deadline(sent);
        }
        self.attempts += 1;
        self.shared.telemetry.attempt_began(self.attempts);
        self.shared.settings.timeout.min(self.deadline.saturating_duration_since(sent))
    }

    /// An attempt that went out at `sent` has ended.
    fn next(&mut self, sent: Instant, answer: Answer) -> Next {
        let answer = answer.map_err(|error| error.with(|it| it.attempts = self.attempts));
        self.shared.telemetry.attempt_ended(self.attempts, &answer);
        if self.was_not_limited(&answer) {
            self.limiter().on_response(sent);
        }
        let error = match answer {
            Ok(answer) => {
                self.shared.budget.deposit();
                return Next::Return(Ok(answer));
            }
            Err(error) => error,
        };
        if let (ErrorKind::Unauthorized, Some(first)) = (error.kind(), &self.maybe_used_up) {
            return Next::Return(Err(perhaps_used_up(first, self.attempts)));
        }
        if error.kind() == ErrorKind::RateLimited {
            self.slow_down(sent, &error);
            if self.wait == WaitPolicy::Batch {
                self.limited += 1;
                return Next::AskAgain;
            }
        }
        self.retry(error)
    }

    /// Whether the server has looked at the request, and not only at the limit. A
    /// 401 by payment token may be the answer to a forged one, which is no sign of
    /// anything.
    fn was_not_limited(&self, answer: &Answer) -> bool {
        match answer.as_ref().map_err(Error::status) {
            Ok(_) => true,
            Err(Some(401)) => self.asked_by == AskedBy::User,
            Err(Some(status)) => status < 500 && status != 429,
            Err(None) => false,
        }
    }

    /// After a 429 nobody asks for as long as it says. A batch waits a minute
    /// where it says nothing.
    fn slow_down(&self, sent: Instant, error: &Error) {
        let unsaid = match self.wait {
            WaitPolicy::Deadline => None,
            WaitPolicy::Batch => Some(MINUTE),
        };
        let pause = error.retry_after().or(unsaid);
        self.limiter().on_too_many_requests(self.wait, sent, error, pause);
    }

    fn retry(&mut self, error: Error) -> Next {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let counted = self.attempts - self.limited;
        match self.shared.settings.retry.wait(counted, &error, left) {
            Some(wait) if self.shared.budget.withdraw() => {
                let reached = error.0.sent && error.kind() != ErrorKind::RateLimited;
                if reached && self.asked_by == AskedBy::Token {
                    self.maybe_used_up.get_or_insert_with(|| error.clone());
                }
                self.last_error = Some(error);
                Next::WaitThenAskAgain(wait)
            }
            _ => Next::Return(Err(error)),
        }
    }
}

/// A payment token may be good only once. If an attempt with it failed and may
/// have reached the server, a 401 on the next one does not mean that the token
/// was bad: the first failure is the one to report.
fn perhaps_used_up(first: &Error, attempts: u32) -> Error {
    first.clone().with(|details| {
        details.attempts = attempts;
        details.used_up = true;
        details.message.push_str(
            "; a retry was then refused with 401, perhaps because a payment token is good only once",
        );
    })
}

/// A call can be part of a future that has to be `Send`, as on a server; on wasm, too.
const _: fn(&Client, PaymentQuery) = |client, query| {
    fn sent(_: impl Send) {}
    sent(client.get_payments(query));
};

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;
    use crate::client::retry::RetryPolicy;
    use crate::model::credentials::{PersonalAccessToken, PluginPaymentToken};
    use crate::model::resource::Resource;

    fn refusal(kind: ErrorKind, status: u16, retry_after: Option<u64>) -> Error {
        Error::new(kind, "refused").with(|it| {
            it.response.status = Some(status);
            it.response.retry_after = retry_after.map(Duration::from_secs);
        })
    }

    #[tokio::test(start_paused = true)]
    async fn the_401_for_a_forged_token_ends_no_pause() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let client = Client::builder(PersonalAccessToken::new("figd_x").unwrap())
            .base_url("http://127.0.0.1:1")
            .build()
            .unwrap();
        let answers = move |_| {
            let error = match count.fetch_add(1, Ordering::Relaxed) {
                0 => refusal(ErrorKind::RateLimited, 429, Some(400_000)),
                _ => refusal(ErrorKind::Unauthorized, 401, None),
            };
            std::future::ready(Err(error)).boxed()
        };
        let client = client.simulated(RetryPolicy::none(), Arc::new(answers));
        let forged = PaymentQuery::by_token(
            PluginPaymentToken::new("ppt_forged").unwrap(),
            Resource::plugin("1").unwrap(),
        );
        let ask = async || client.get_payments(forged.clone()).await.unwrap_err();
        assert_eq!(ask().await.kind(), ErrorKind::RateLimited);
        advance(Duration::from_secs(61)).await;
        assert_eq!(ask().await.kind(), ErrorKind::Unauthorized, "the probe of the minute");
        let error = ask().await;
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::RateLimited, 0), "{error}");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
