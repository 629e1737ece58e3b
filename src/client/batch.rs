//! Many queries: `get_payments_all`.

use futures_util::{Stream, StreamExt};

use super::Client;
use super::rate_limiter::wait_policy::WaitPolicy;
use crate::api::types::PaymentInformation;
use crate::error::Error;
use crate::model::query::PaymentQuery;
use crate::platform::clock::Instant;
use crate::platform::task::spawn_and_abort_on_drop;

/// How many queries are under way at once. More would only wait for the rate limit.
const MAX_CONCURRENT: usize = 8;

impl Client {
    async fn call_in_batch(&self, query: &PaymentQuery) -> Result<PaymentInformation, Error> {
        let deadline = self.deadline(Instant::now());
        self.call_waiting(query, WaitPolicy::Batch, deadline).await
    }

    /// Asks Figma many queries, up to 8 at once. Gives back each query with its answer
    /// or error, in the order in which they complete. The streams are those of the
    /// crate `futures-util`.
    ///
    /// It keeps to the rate limits and waits as long as they need. The wait for a slot
    /// (see [`RateLimits`](crate::RateLimits)) does not count for the deadline. After a
    /// 429 it waits as long as `Retry-After` says, or a minute if there is none, and
    /// asks again until the query is answered. If no limit is set, it keeps to 50
    /// requests a minute from the first 429 until five minutes after the last one.
    /// Other errors come back after the usual attempts.
    ///
    /// Memory does not grow with the number of queries. Drop the stream to stop, for
    /// instance at [`Unauthorized`](crate::ErrorKind::Unauthorized) or
    /// [`Forbidden`](crate::ErrorKind::Forbidden), because every other query would get
    /// the same error.
    ///
    /// Calls of [`get_payments`](Client::get_payments) on the same client have
    /// priority: while any of them waits, all batches together get one slot in ten.
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
    ///
    /// # Cancel safety
    ///
    /// You may drop the future of `next` at any time, in `select!` for instance: the stream
    /// keeps all queries and loses no answer. The queries that are under way go on meanwhile.
    /// If you drop the stream, they end without an answer, up to 8 of them.
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
                // In a task of its own, so that it goes on while the owner of the stream
                // is busy and does not poll it. Otherwise its timeouts would run out.
                let call = async move { client.call_in_batch(&asked).await };
                let outcome = spawn_and_abort_on_drop(call).await;
                (query, outcome)
            }
        };
        Box::pin(queries.map(ask).buffer_unordered(MAX_CONCURRENT))
    }
}

/// A hundred thousand users, on a simulated clock, with a simulated server.
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
    use crate::model::payment::PaymentStatus;
    use crate::model::resource::Resource;

    const USERS: u32 = 100_000;

    /// A server with a leaky bucket. It answers 429 when the bucket is full.
    struct Server {
        per_minute: u32,
        /// How many requests the bucket holds.
        bucket: u32,
        empty_at: Mutex<Instant>,
        began: Instant,
        /// When it answered 429.
        refused: Mutex<Vec<Duration>>,
        random: Mutex<fastrand::Rng>,
    }

    impl Server {
        fn new(per_minute: u32, bucket: u32) -> Self {
            let began = Instant::now();
            Server {
                per_minute,
                bucket,
                empty_at: Mutex::new(began),
                began,
                refused: Mutex::default(),
                random: Mutex::new(fastrand::Rng::with_seed(7)),
            }
        }

        async fn answer(&self, user: &UserId) -> Result<PaymentInformation, Error> {
            let latency = Duration::from_millis(self.random.lock().unwrap().u64(10..200));
            sleep(latency).await;
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
            sleep(latency).await;
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

        /// The shortest time in which all users can be answered.
        fn ideal_time(&self) -> Duration {
            (USERS - self.bucket) * (Duration::from_secs(60) / self.per_minute)
        }
    }

    fn paid(user: &UserId) -> PaymentInformation {
        PaymentInformation::new(user, &Resource::plugin("1").unwrap(), PaymentStatus::Paid)
    }

    /// Asks about all users, checks that each is answered once, and returns the time
    /// that it took.
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

    struct Summary {
        /// The time that it took, divided by the shortest possible time.
        time_ratio: f64,
        /// How many requests were answered 429.
        refused: usize,
    }

    fn summary(name: &str, server: &Server, took: Duration) -> Summary {
        let time_ratio = took.as_secs_f64() / server.ideal_time().as_secs_f64();
        let refused = server.refused.lock().unwrap().len();
        println!("{name}: {time_ratio:.4} of the ideal time, {refused} refused");
        Summary { time_ratio, refused }
    }

    #[tokio::test(start_paused = true)]
    async fn with_the_servers_own_limit_only_the_first_minute_has_429s() {
        for bucket in [50, 2] {
            let server = Arc::new(Server::new(50, bucket));
            let client = client(50, &server);
            let took = ask_all(&client, &server).await;
            let Summary { time_ratio, refused } =
                summary(&format!("a bucket of {bucket}"), &server, took);
            assert!(time_ratio < 1.01);
            let minute = Duration::from_secs(60);
            assert!(server.refused.lock().unwrap().iter().all(|at| *at < minute), "{refused}");
            assert_eq!(client.counters().retries, refused as u64);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_client_adapts_to_a_stricter_server() {
        for (setting, per_minute) in [(50, 45), (50, 30), (50, 10), (0, 50)] {
            let server = Arc::new(Server::new(per_minute, per_minute));
            let client = client(setting, &server);
            let took = ask_all(&client, &server).await;
            let Summary { time_ratio, refused } =
                summary(&format!("{setting} set, {per_minute} granted"), &server, took);
            assert!(time_ratio < 1.01, "it takes little more than the shortest possible time");
            assert!(refused < USERS as usize / 20, "few requests are refused");
            assert_eq!(client.counters().retries, refused as u64);
            assert_eq!(client.counters().rate_limited, refused as u64);
        }
    }
}
