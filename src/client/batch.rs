//! Many questions at once.

use futures_util::{Stream, StreamExt};

use super::Client;
use super::call::CallOptions;
use super::rate_limiter::wait_policy::WaitPolicy;
use crate::api::types::PaymentInformation;
use crate::error::Error;
use crate::model::query::PaymentQuery;
use crate::platform::clock::Instant;
use crate::platform::task::spawn_and_abort_on_drop;

/// As many questions are under way at once; more would only wait for the limit.
const AT_ONCE: usize = 8;

impl Client {
    /// A call that waits for its slot as long as it takes.
    async fn call_of_batch(&self, query: &PaymentQuery) -> Result<PaymentInformation, Error> {
        let deadline = self.deadline(Instant::now());
        let options = CallOptions { wait: WaitPolicy::Batch, deadline, before_attempt: || {} };
        Ok(self.call(query, options).await?.0)
    }

    /// Asks one question after the other, up to 8 at once, and gives each back
    /// with its answer, in order of completion.
    ///
    /// Made for the limits: waiting for a slot (see
    /// [`RateLimits`](crate::RateLimits)) takes nothing from the deadline, and a
    /// question that meets a 429 waits as long as it says, a minute if it says
    /// nothing, and is asked again until it is answered. Where no limit is set,
    /// 50 requests a minute are allowed from the first 429 on, until five minutes
    /// after the last one. Other failures are given back after the usual attempts. Memory does not
    /// grow with the number of questions. Drop the stream to stop: at
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized) and
    /// [`Forbidden`](crate::ErrorKind::Forbidden), say, which every other question
    /// would meet too.
    ///
    /// On one client, callers of [`get_payments`](Client::get_payments) go first:
    /// while any of them waits, all such streams together get one slot in ten. It
    /// takes and gives a stream of the crate
    /// `futures-util`.
    ///
    /// ```
    /// use figma_payments::{Client, Error, PaymentQuery, Resource, UserId};
    /// use futures_util::{Stream, StreamExt, stream};
    ///
    /// async fn print_all(client: &Client, users: Vec<UserId>) -> Result<(), Error> {
    ///     let plugin = Resource::plugin("1678669904810665842")?;
    ///     let query = move |user| PaymentQuery::by_user(user, plugin.clone());
    ///     let mut answers = client.get_payments_all(stream::iter(users).map(query));
    ///     while let Some((query, outcome)) = answers.next().await {
    ///         println!("{:?}: {:?}", query.user(), outcome.map(|payment| payment.payment_status));
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn get_payments_all<S>(
        &self,
        queries: S,
    ) -> impl Stream<Item = (PaymentQuery, Result<PaymentInformation, Error>)> + use<S>
    where
        S: Stream<Item = PaymentQuery>,
    {
        let client = self.clone();
        let ask = move |query: PaymentQuery| {
            let client = client.clone();
            async move {
                let asked = query.clone();
                // Its time runs, whatever whoever has the stream is busy with.
                let ask = async move { client.call_of_batch(&asked).await };
                let outcome = spawn_and_abort_on_drop(ask).await;
                (query, outcome)
            }
        };
        Box::pin(queries.map(ask).buffer_unordered(AT_ONCE))
    }
}

/// A hundred thousand users on a simulated clock, with a server in this process.
#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use futures_util::{FutureExt, stream};
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::client::rate_limiter::limits::RateLimits;
    use crate::client::retry::RetryPolicy;
    use crate::error::ErrorKind;
    use crate::model::credentials::PersonalAccessToken;
    use crate::model::ids::UserId;
    use crate::model::resource::Resource;

    const USERS: u32 = 100_000;

    /// A leaky bucket. A call that finds it full is refused.
    struct Server {
        per_minute: u32,
        bucket: u32,
        empty_at: Mutex<Instant>,
        began: Instant,
        refused: Mutex<Vec<Duration>>,
        random: Mutex<fastrand::Rng>,
    }

    impl Server {
        fn new(per_minute: u32, bucket: u32) -> Self {
            let began = Instant::now();
            let random = Mutex::new(fastrand::Rng::with_seed(7));
            let (empty_at, refused) = (Mutex::new(began), Mutex::default());
            Server { per_minute, bucket, empty_at, began, refused, random }
        }

        async fn answer(&self, user: &UserId) -> Result<PaymentInformation, Error> {
            let on_the_way = Duration::from_millis(self.random.lock().unwrap().u64(10..200));
            sleep(on_the_way).await;
            let drop = Duration::from_secs(60) / self.per_minute;
            let now = Instant::now();
            let wait = {
                let mut empty_at = self.empty_at.lock().unwrap();
                let after = (*empty_at).max(now) + drop;
                let full_at = now + drop * self.bucket;
                if after <= full_at {
                    *empty_at = after;
                }
                after.saturating_duration_since(full_at)
            };
            sleep(on_the_way).await;
            if wait.is_zero() {
                return Ok(paid(user));
            }
            self.refused.lock().unwrap().push(now - self.began);
            Err(Error::new(ErrorKind::RateLimited, "429").with(|it| {
                it.response.status = Some(429);
                it.response.retry_after =
                    Some(Duration::from_secs(wait.as_secs_f64().ceil() as u64));
            }))
        }

        /// How long it takes to answer all, if nobody is ever refused or late.
        fn ideal(&self) -> Duration {
            (USERS - self.bucket) * (Duration::from_secs(60) / self.per_minute)
        }
    }

    fn paid(user: &UserId) -> PaymentInformation {
        PaymentInformation {
            date_of_purchase: None,
            payment_status: crate::model::payment::PaymentStatus::Paid,
            resource_id: "1".to_owned(),
            resource_type: crate::model::resource::ResourceType::Plugin,
            user_id: user.to_string(),
        }
    }

    /// Asks about all; every user is answered once. Gives the time it took.
    async fn ask_all(client: &Client, server: &Server) -> Duration {
        let plugin = Resource::plugin("1").unwrap();
        let users = stream::iter((0..USERS).map(|user| UserId::from(u64::from(user))));
        let ask = |user| PaymentQuery::by_user(user, plugin.clone());
        let mut answered = HashMap::new();
        let mut answers = std::pin::pin!(client.get_payments_all(users.map(ask)));
        while let Some((_, answer)) = answers.next().await {
            *answered.entry(answer.unwrap().user_id).or_insert(0) += 1;
        }
        assert_eq!(answered.len(), USERS as usize);
        assert!(answered.values().all(|times| *times == 1));
        server.began.elapsed()
    }

    fn client(per_minute: u32, server: &Arc<Server>) -> Client {
        let token = PersonalAccessToken::new("figd_simulated").unwrap();
        let limits = RateLimits::default().by_user(per_minute);
        let client = Client::builder(token).base_url("http://127.0.0.1:1").rate_limits(limits);
        let client = client.build().unwrap();
        let server = Arc::clone(server);
        let answers = move |query: PaymentQuery| {
            let server = Arc::clone(&server);
            async move { server.answer(query.user().unwrap()).await }.boxed()
        };
        client.simulated(RetryPolicy::none(), Arc::new(answers))
    }

    fn told(what: &str, server: &Server, took: Duration) -> (f64, usize) {
        let ratio = took.as_secs_f64() / server.ideal().as_secs_f64();
        let refused = server.refused.lock().unwrap().len();
        println!("{what}: {ratio:.4} of the ideal time, {refused} refused");
        (ratio, refused)
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_pace_of_the_server_nobody_is_refused() {
        for bucket in [50, 2] {
            let server = Arc::new(Server::new(50, bucket));
            let client = client(50, &server);
            let took = ask_all(&client, &server).await;
            let (ratio, refused) = told(&format!("a bucket of {bucket}"), &server, took);
            assert!(ratio < 1.01);
            let late = Duration::from_secs(60);
            assert!(server.refused.lock().unwrap().iter().all(|at| *at < late), "{refused}");
            assert_eq!(client.counters().retries, refused as u64);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stricter_server_is_adapted_to() {
        for (set, per_minute) in [(50, 45), (50, 30), (50, 10), (0, 50)] {
            let server = Arc::new(Server::new(per_minute, per_minute));
            let client = client(set, &server);
            let took = ask_all(&client, &server).await;
            let (ratio, refused) = told(&format!("{set} set, {per_minute} granted"), &server, took);
            assert!(ratio < 1.01, "it still finishes in good time");
            assert!(refused < USERS as usize / 20, "and is rarely refused");
            assert_eq!(client.counters().retries, refused as u64);
            assert_eq!(client.counters().rate_limited, refused as u64);
        }
    }
}
