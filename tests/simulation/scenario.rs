//! One simulated time of a fleet: users ask, and what they get is counted.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use figma_payments::{
    Client, Entitlements, PaymentQuery, PersonalAccessToken, RateLimits, RetryPolicy, UserId,
    sandbox,
};
use tokio::time::{Instant, sleep, sleep_until};

use crate::figma::{Calls, Figma, MINUTE, paid, plugin};
use crate::steady::{Reached, Steady};
use crate::zipf::Zipf;

#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Each asks once a minute on average.
    pub users: usize,
    pub replicas: usize,
    pub shared: bool,
    /// Figma's limit, in calls a minute.
    pub limit: u32,
    pub time_to_live: Duration,
    /// Counted from here on.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Outcome {
    pub requests: u32,
    pub hits: u32,
    pub refused: u32,
    /// Of the requests that were answered, and not from memory.
    pub waits: Vec<Duration>,
    pub calls: Calls,
}

impl Scenario {
    /// The same, for a longer time where few calls are made: enough of them to count, and so
    /// late that it does not matter how old the answers are at the beginning. (Times to live
    /// are shortened by up to a 25th, and nobody knows beforehand by how much each.)
    pub fn long_enough(self) -> Self {
        if !self.steady(&Zipf::new(self.users)).fits() {
            return self;
        }
        let warm_up = self.warm_up.max(self.time_to_live / 25);
        Scenario { warm_up, measured: self.measured.max(20 * MINUTE), ..self }
    }

    /// In how many parts the limit and the memory fall.
    fn parts(&self) -> usize {
        if self.shared { 1 } else { self.replicas }
    }

    /// The limit of each part. A whole number, as the setting is.
    fn limit_of_a_part(&self) -> u32 {
        (self.limit / self.parts() as u32).max(1)
    }

    /// What each part does in the long run, by calculation.
    fn steady(&self, users: &Zipf) -> Steady {
        let parts = self.parts() as f64;
        let limit = f64::from(self.limit) / parts;
        Steady::new(users, self.users as f64 / parts, self.time_to_live, limit)
    }

    /// What is calculated for it.
    pub fn calculated(&self) -> Reached {
        let users = Zipf::new(self.users);
        let parts = self.parts() as f64;
        let Reached { calls, refused } =
            self.steady(&users).reached(&users, f64::from(self.limit) / parts);
        Reached { calls: calls * parts, refused }
    }

    /// Simulates it on a clock that stands still while anything can be done.
    pub fn run(&self, seed: u64) -> Outcome {
        fastrand::seed(seed);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        runtime.expect("a runtime needs nothing of the system").block_on(self.simulate(seed))
    }

    async fn simulate(&self, seed: u64) -> Outcome {
        let mut random = fastrand::Rng::with_seed(seed);
        let figma = Arc::new(Figma::new(self.limit));
        let users = Zipf::new(self.users);
        let replicas = self.replicas(&figma, &users, &mut random).await;
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let mut before = None;

        let began = Instant::now();
        let counted_from = began + self.warm_up;
        let ends = counted_from + self.measured;
        let mut now = began;
        loop {
            // A Poisson process: the time to the next request is distributed exponentially.
            let gap = -(1.0 - random.f64()).ln() / self.users as f64;
            now += MINUTE.mul_f64(gap);
            if now >= ends {
                break;
            }
            if now > Instant::now() {
                sleep_until(now).await;
            }
            let is_counted = now >= counted_from;
            if is_counted && before.is_none() {
                before = Some(figma.calls());
            }
            let user = UserId::from(users.sample(&mut random) as u64 + 1);
            let query = PaymentQuery::by_user(user, plugin());
            let replica = &replicas[random.usize(..replicas.len())];
            ask(replica, query, is_counted.then_some(&outcome)).await;
        }
        let (after, before) = (figma.calls(), before.unwrap_or_default());
        // Longer than any deadline.
        sleep(MINUTE).await;
        let mut outcome = std::mem::take(&mut *outcome.lock().unwrap());
        outcome.calls =
            Calls { all: after.all - before.all, too_many: after.too_many - before.too_many };
        outcome
    }

    /// The processes, with what they remember after a long time.
    async fn replicas(
        &self,
        figma: &Arc<Figma>,
        users: &Zipf,
        random: &mut fastrand::Rng,
    ) -> Vec<Entitlements> {
        let steady = self.steady(users);
        let parts: Vec<Entitlements> = (0..self.parts()).map(|_| self.part(figma)).collect();
        for part in &parts {
            for (user, share) in users.shares().enumerate() {
                let age = random.f64() * steady.cycle(share);
                if age < steady.time_to_live() {
                    let checked_at = SystemTime::now() - MINUTE.mul_f64(age);
                    part.prime_at(paid(&UserId::from(user as u64 + 1)), checked_at).await;
                }
            }
        }
        parts.into_iter().cycle().take(self.replicas).collect()
    }

    /// What several processes share, or what one has that shares nothing.
    fn part(&self, figma: &Arc<Figma>) -> Entitlements {
        let token = PersonalAccessToken::new("figd_simulated").expect("a header can carry it");
        let limits = RateLimits::default().by_user(self.limit_of_a_part());
        let builder = Client::builder(token).rate_limits(limits).retry(RetryPolicy::none());
        let figma = Arc::clone(figma);
        let client = sandbox::client_from(builder, move |query| {
            let figma = Arc::clone(&figma);
            async move { figma.answer(&query).await }
        });
        let minutes = self.time_to_live.as_secs_f64() / 60.0;
        let most_kept = f64::from(self.limit_of_a_part()) * (minutes + 10.0) + 1000.0;
        Entitlements::builder(client.expect("these settings are valid"))
            .paid_ttl(self.time_to_live)
            .max_entries(most_kept as u64)
            .build()
    }
}

/// Asks, and counts what comes back. What is not in memory is asked in a task.
async fn ask(replica: &Entitlements, query: PaymentQuery, counted: Option<&Arc<Mutex<Outcome>>>) {
    let is_hit = replica.get_cached(&query).await.is_some();
    if let Some(outcome) = counted {
        let mut outcome = outcome.lock().unwrap();
        outcome.requests += 1;
        outcome.hits += u32::from(is_hit);
    }
    if is_hit {
        return;
    }
    let (replica, counted, asked) = (replica.clone(), counted.cloned(), Instant::now());
    tokio::spawn(async move {
        let answer = replica.get(query).await;
        let Some(outcome) = counted else { return };
        let mut outcome = outcome.lock().unwrap();
        match answer {
            Ok(_) => outcome.waits.push(asked.elapsed()),
            Err(_) => outcome.refused += 1,
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(shared: bool, limit: u32) -> Scenario {
        Scenario {
            users: 200,
            replicas: 5,
            shared,
            limit,
            time_to_live: 10 * MINUTE,
            warm_up: 10 * MINUTE,
            measured: 20 * MINUTE,
        }
    }

    #[test]
    fn with_enough_limit_nobody_is_refused() {
        for shared in [true, false] {
            let outcome = small(shared, 300).run(7);
            assert_eq!((outcome.refused, outcome.calls.too_many), (0, 0), "shared: {shared}");
            assert!(outcome.requests > 3_000 && outcome.hits < outcome.requests);
            let counted = outcome.hits as usize + outcome.waits.len();
            assert_eq!(counted, outcome.requests as usize, "every request is answered");
        }
    }

    #[test]
    fn a_fleet_that_shares_asks_less() {
        let [shared, apart] = [true, false].map(|shared| small(shared, 300).run(7));
        let [few, many] = [shared, apart].map(|outcome| outcome.calls.all);
        assert!(few * 2 < many, "{few} instead of {many}");
    }

    #[test]
    fn a_limit_that_is_too_small_is_used_and_the_rest_is_refused() {
        let outcome = small(true, 5).run(7);
        assert!((97..=101).contains(&outcome.calls.all), "{:?} in 20 minutes", outcome.calls);
        assert!(outcome.refused > 0 && outcome.calls.too_many == 0, "{outcome:?}");
        let longest = outcome.waits.iter().max().unwrap();
        assert!(*longest < Duration::from_secs(12), "{longest:?}: the deadline");
    }

    #[test]
    fn what_is_calculated_is_what_is_counted() {
        for (shared, limit) in [(true, 300), (false, 300), (true, 5)] {
            let scenario = small(shared, limit);
            let calculated = scenario.calculated();
            let outcome = scenario.run(7);
            let calls = f64::from(outcome.calls.all) / 20.0;
            assert!((calls / calculated.calls - 1.0).abs() < 0.06, "{calls}, {calculated:?}");
            let refused = f64::from(outcome.refused) / f64::from(outcome.requests);
            assert!((refused - calculated.refused).abs() < 0.03, "{refused}, {calculated:?}");
        }
    }
}
