//! One call: wait for a slot from the rate limiter, make an attempt, and retry if
//! needed.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::rate_limiter::RateLimiter;
#[cfg(feature = "redis")]
use super::rate_limiter::fleet::AttemptOutcome;
use super::rate_limiter::wait_policy::WaitPolicy;
use super::redact::Secrets;
use super::telemetry::CallTelemetry;
use super::times::{A_YEAR, MINUTE};
use super::{Client, Shared, decode};
use crate::api::types::PaymentInformation;
use crate::error::{Error, ErrorKind};
use crate::model::query::{AskedBy, PaymentQuery};
use crate::platform::attempt;
#[cfg(any(test, feature = "sandbox"))]
use crate::platform::clock::timeout_at;
use crate::platform::clock::{Instant, sleep};

type Answer = Result<PaymentInformation, Error>;

/// How to make a call.
pub(crate) struct CallOptions<F> {
    pub(crate) wait: WaitPolicy,
    /// The call ends at this time, with an answer or an error.
    pub(crate) deadline: Instant,
    /// Called just before each attempt is sent. What it returns for the last attempt is
    /// returned with the answer. An error ends the call without a request.
    pub(crate) before_attempt: F,
}

/// What to do after an attempt.
enum Next {
    Return(Answer),
    /// Try again as soon as the rate limiter has a slot.
    RetryAtOnce,
    RetryAfter(Duration),
}

/// What a call knows between its attempts.
struct RetryState<'a, 'b> {
    shared: &'a Shared,
    telemetry: &'a mut CallTelemetry<'b>,
    asked_by: AskedBy,
    wait: WaitPolicy,
    deadline: Instant,
    attempts: u32,
    /// Attempts of a batch that were answered 429. They do not count for the retry
    /// policy, because a batch waits until the limit allows more.
    batch_429s: u32,
    last_error: Option<Error>,
    /// The first failed attempt after which the payment token may be used up.
    maybe_used_up: Option<Error>,
}

impl Client {
    /// Asks Figma about one user and one resource (`GET /v1/payments`).
    ///
    /// Takes a [`PaymentQuery`] by value or by reference. If your input is untyped, make
    /// the query from [`PaymentParams`](crate::PaymentParams). The response is compared
    /// with the query: if it is about another user or resource, you get an error.
    /// [`grants_access`](PaymentInformation::grants_access) says whether the user
    /// has access.
    ///
    /// ```
    /// use figma_payments::{Client, PaymentQuery, PluginPaymentToken, Resource};
    ///
    /// /// The status to answer your plugin with.
    /// async fn status(client: &Client, token: PluginPaymentToken, plugin: Resource) -> u16 {
    ///     match client.get_payments(PaymentQuery::by_token(token, plugin)).await {
    ///         Ok(payment) if payment.grants_access() => 200,
    ///         Ok(_) => 402,
    ///         Err(error) => error.suggested_status(),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`]; [`Error::suggested_status`] says what
    /// to answer your own caller. "Has not paid" is not an error: it is a
    /// [`PaymentInformation`] that grants no access.
    ///
    /// # Cancel safety
    ///
    /// You may drop the future at any time. A call that waits for its slot leaves the
    /// queue. A request that is under way is given up: Figma may have seen it, so it counts
    /// for the rate limits, and a payment token may be used up. All clones go on as before.
    pub async fn get_payments(
        &self,
        query: impl Borrow<PaymentQuery>,
    ) -> Result<PaymentInformation, Error> {
        let deadline = self.deadline(Instant::now());
        self.call_waiting(query.borrow(), WaitPolicy::Deadline, deadline).await
    }

    /// Like [`get_payments`](Self::get_payments), with another wait for the rate limit.
    pub(super) async fn call_waiting(
        &self,
        query: &PaymentQuery,
        wait: WaitPolicy,
        deadline: Instant,
    ) -> Result<PaymentInformation, Error> {
        let before_attempt = || ready(Ok::<_, Infallible>(()));
        let options = CallOptions { wait, deadline, before_attempt };
        let outcome = self.call(query, options).await.unwrap_or_else(|never| match never {});
        Ok(outcome?.0)
    }

    /// Like [`get_payments`](Self::get_payments), with options.
    pub(crate) async fn call<M, S>(
        &self,
        query: &PaymentQuery,
        options: CallOptions<impl BeforeAttempt<M, S>>,
    ) -> Result<Result<(PaymentInformation, M), Error>, S> {
        if let Err(invalid) = query.check() {
            return Ok(Err(invalid));
        }
        let mut telemetry = self.shared.telemetry.call_began(&self.shared.base_url, query);
        let span = telemetry.span();
        let outcome = {
            // Pinned here, because it is large and `instrument` would move it.
            let attempts = pin!(self.attempts(query, options, &mut telemetry));
            attempts.instrument(span).await?
        };
        let by_token = query.asked_by() == AskedBy::Token;
        let outcome = outcome.map_err(|error| error.with(|details| details.by_token = by_token));
        telemetry.ended(&outcome);
        Ok(outcome)
    }

    /// Sends one request and decodes the response.
    async fn attempt(
        &self,
        query: &PaymentQuery,
        timeout: Duration,
    ) -> Result<PaymentInformation, Error> {
        let Shared { http, bindings_url, .. } = &*self.shared;
        #[cfg(any(test, feature = "sandbox"))]
        if let Some(simulated) = &self.shared.simulated {
            let ends = Instant::now() + timeout;
            let answer = timeout_at(ends, simulated(query.clone())).await;
            return answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "simulated")));
        }
        let credential = self.credential();
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
    async fn attempts<M, S>(
        &self,
        query: &PaymentQuery,
        options: CallOptions<impl BeforeAttempt<M, S>>,
        telemetry: &mut CallTelemetry<'_>,
    ) -> Result<Result<(PaymentInformation, M), Error>, S> {
        let mut state = RetryState {
            shared: &self.shared,
            telemetry,
            asked_by: query.asked_by(),
            wait: options.wait,
            deadline: options.deadline,
            attempts: 0,
            batch_429s: 0,
            last_error: None,
            maybe_used_up: None,
        };
        let mut now = Instant::now();
        loop {
            let slot = state.limiter().acquire(state.wait, now, state.deadline).await;
            let sent = match slot {
                Ok(sent) => sent,
                Err(no_slot) => return Ok(Err(state.last_error.unwrap_or(no_slot))),
            };
            let mark = (options.before_attempt)().await?;
            let timeout = state.begin(self, now, sent);
            let answer = self.attempt(query, timeout).await;
            #[cfg(feature = "redis")]
            if self.shared.fleet.is_some() {
                Box::pin(state.tell_fleet(sent, &answer)).await;
            }
            match state.next(sent, answer) {
                Next::Return(answer) => return Ok(answer.map(|answer| (answer, mark))),
                Next::RetryAtOnce => now = Instant::now(),
                Next::RetryAfter(wait) => {
                    sleep(wait).await;
                    now = Instant::now();
                    if let Some(error) = state.last_error.take_if(|_| now >= state.deadline) {
                        return Ok(Err(error));
                    }
                }
            }
        }
    }
}

/// A function that is called before each attempt. Its future can be sent to another thread.
pub(crate) trait BeforeAttempt<M, S>: Fn() -> Self::Future {
    type Future: Future<Output = Result<M, S>>;
}

impl<M, S, F, T> BeforeAttempt<M, S> for F
where
    F: Fn() -> T,
    T: Future<Output = Result<M, S>>,
{
    type Future = T;
}

impl<'a> RetryState<'a, '_> {
    fn limiter(&self) -> &'a RateLimiter {
        self.shared.limiters.of(self.asked_by)
    }

    /// Records that an attempt that has waited for a slot since `asked` begins, and returns
    /// its timeout.
    fn begin(&mut self, client: &Client, asked: Instant, sent: Instant) -> Duration {
        if self.wait == WaitPolicy::Batch {
            // The wait for a slot does not count for the deadline.
            self.deadline = client.deadline(sent);
            self.telemetry.batch_waited(asked, sent);
        }
        self.attempts += 1;
        self.telemetry.attempt_began(self.attempts);
        self.shared.settings.timeout.min(self.deadline.saturating_duration_since(sent))
    }

    /// Decides what to do after an attempt that was sent at `sent`.
    fn next(&mut self, sent: Instant, answer: Answer) -> Next {
        let answer = answer.map_err(|error| error.with(|it| it.attempts = self.attempts));
        self.telemetry.attempt_ended(self.attempts, &answer);
        if self.passed_the_limit(&answer) {
            self.limiter().on_response(sent);
        }
        let error = match answer {
            Ok(answer) => {
                self.shared.budget.deposit();
                return Next::Return(Ok(answer));
            }
            Err(error) => error,
        };
        if let WaitPolicy::Reserved(_) = self.wait {
            return Next::Return(Err(error));
        }
        if let (ErrorKind::Unauthorized, Some(first)) = (error.kind(), &self.maybe_used_up) {
            return Next::Return(Err(used_up_error(first, self.attempts)));
        }
        if error.kind() == ErrorKind::RateLimited {
            let pause = self.pause(&error);
            self.limiter().on_too_many_requests(self.wait, sent, &error, pause);
            if self.wait == WaitPolicy::Batch {
                self.batch_429s += 1;
                return Next::RetryAtOnce;
            }
        }
        self.retry(error)
    }

    /// Whether this answer shows that Figma's rate limit let the request through. A 401
    /// to a query by payment token does not: anybody can make us ask with a forged token,
    /// and Figma may refuse it before it looks at the limit.
    fn passed_the_limit(&self, answer: &Answer) -> bool {
        match answer.as_ref().map_err(Error::status) {
            Ok(_) => true,
            Err(Some(401)) => self.asked_by == AskedBy::User,
            Err(Some(status)) => status < 500 && status != 429,
            Err(None) => false,
        }
    }

    /// How long a 429 pauses all clones: for as long as `Retry-After` says. If it has none,
    /// a batch pauses them for a minute, and other calls do not.
    fn pause(&self, error: &Error) -> Option<Duration> {
        let default_pause = match self.wait {
            WaitPolicy::Deadline | WaitPolicy::Reserved(_) => None,
            WaitPolicy::Batch => Some(MINUTE),
        };
        error.retry_after().or(default_pause)
    }

    /// Tells the other processes that share the limit what this attempt says about it.
    #[cfg(feature = "redis")]
    async fn tell_fleet(&self, sent: Instant, answer: &Answer) {
        let outcome = match answer {
            Err(error) if error.kind() == ErrorKind::RateLimited => {
                AttemptOutcome::TooManyRequests { pause: self.pause(error) }
            }
            answer if self.passed_the_limit(answer) => AttemptOutcome::Passed,
            _ => AttemptOutcome::Unknown,
        };
        self.limiter().tell_fleet(self.wait, sent, outcome).await;
    }

    fn retry(&mut self, error: Error) -> Next {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let counted = self.attempts - self.batch_429s;
        match self.shared.settings.retry.wait(counted, &error, left) {
            Some(wait) if self.shared.budget.withdraw() => {
                let was_seen = error.0.may_have_arrived && error.kind() != ErrorKind::RateLimited;
                if was_seen && self.asked_by == AskedBy::Token {
                    self.maybe_used_up.get_or_insert_with(|| error.clone());
                }
                self.last_error = Some(error);
                Next::RetryAfter(wait)
            }
            _ => Next::Return(Err(error)),
        }
    }
}

/// The error for a retry that was refused with 401. A payment token may be usable only
/// once. If the first attempt failed but may have reached the server, it may have used
/// the token up. Then the token was not wrong, so the first failure is reported.
fn used_up_error(first: &Error, attempts: u32) -> Error {
    first.clone().with(|details| {
        details.attempts = attempts;
        details.used_up = true;
        details.message.push_str(
            "; the retry was refused with 401, perhaps because the first attempt used the payment token up; let the plugin make a new one",
        );
    })
}

/// Servers need the future of a call to be `Send`. Checked here because it has to hold on
/// wasm too.
const _: fn(&Client, PaymentQuery) = |client, query| {
    fn is_send(_: impl Send) {}
    is_send(client.get_payments(query));
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
    use crate::model::ids::UserId;
    use crate::model::resource::Resource;

    fn refusal(kind: ErrorKind, status: u16, retry_after: Option<u64>) -> Error {
        Error::new(kind, "refused").with(|it| {
            it.response.status = Some(status);
            it.response.retry_after = retry_after.map(Duration::from_secs);
        })
    }

    /// A client whose attempts are answered by this function.
    fn simulated(
        policy: RetryPolicy,
        answer: impl Fn() -> Answer + Send + Sync + 'static,
    ) -> Client {
        let client = Client::builder(PersonalAccessToken::new("figd_x").unwrap())
            .base_url("http://127.0.0.1:1")
            .build()
            .unwrap();
        client.simulated(policy, Arc::new(move |_| std::future::ready(answer()).boxed()))
    }

    /// A client that is told to pause for days, and gets this error afterwards, and how
    /// often it has asked.
    fn paused_client(then: Error) -> (Client, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answers = move || {
            let error = match count.fetch_add(1, Ordering::Relaxed) {
                0 => refusal(ErrorKind::RateLimited, 429, Some(400_000)),
                _ => then.clone(),
            };
            Err(error)
        };
        (simulated(RetryPolicy::none(), answers), asked)
    }

    fn by_user() -> PaymentQuery {
        PaymentQuery::by_user(UserId::from(1), Resource::plugin("1").unwrap())
    }

    fn by_forged_token() -> PaymentQuery {
        let token = PluginPaymentToken::new("ppt_forged").unwrap();
        PaymentQuery::by_token(token, Resource::plugin("1").unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_when_figma_has_looked_at_a_request() {
        use ErrorKind::*;
        let unanswered = Error::new(Timeout, "no response");
        for (query, then, ends) in [
            (by_user(), refusal(Redirect, 302, None), true),
            (by_user(), refusal(BadRequest, 400, None), true),
            (by_user(), refusal(Unauthorized, 401, None), true),
            (by_user(), refusal(Forbidden, 403, None), true),
            (by_user(), refusal(NotFound, 404, None), true),
            (by_user(), refusal(RateLimited, 429, Some(400_000)), false),
            (by_user(), refusal(RateLimited, 429, None), false),
            (by_user(), refusal(BadRequest, 499, None), true),
            (by_user(), refusal(Server, 500, None), false),
            (by_user(), refusal(Server, 503, None), false),
            (by_user(), unanswered.clone(), false),
            (by_forged_token(), refusal(Unauthorized, 401, None), false),
            (by_forged_token(), refusal(Forbidden, 403, None), true),
        ] {
            let (client, asked) = paused_client(then.clone());
            let ask = async || client.get_payments(&query).await.unwrap_err();
            assert_eq!(ask().await.kind(), RateLimited);
            assert_eq!(ask().await.attempts(), 0, "it pauses");
            advance(Duration::from_secs(61)).await;
            assert_eq!(ask().await.kind(), then.kind(), "one probe a minute is sent");
            let attempts = ask().await.attempts();
            assert_eq!(attempts, u32::from(ends), "{then:?} {:?}", query.asked_by());
            assert_eq!(asked.load(Ordering::Relaxed), 2 + usize::from(ends));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_budget_is_used_up_no_call_tries_again() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answers = move || {
            count.fetch_add(1, Ordering::Relaxed);
            Err(refusal(ErrorKind::Server, 503, None))
        };
        let policy = RetryPolicy::default().max_attempts(3).budget(3);
        let client = simulated(policy, answers);
        for attempts in [3, 2, 1, 1] {
            let error = client.get_payments(by_user()).await.unwrap_err();
            assert_eq!(error.attempts(), attempts);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 7);
    }
}
