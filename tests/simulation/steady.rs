//! What is calculated: how often Figma is asked in the long run, how many requests are
//! answered from memory, and how many are refused.
//!
//! A user's answer is fetched, lives for its time, and is fetched again when the user next
//! asks. So from one call to the next it takes the time to live and the time until a request.
//! Both follow from how often this user asks, and the calls of all users are the sum.

use std::time::Duration;

use crate::zipf::Zipf;

/// A time to live is shortened by up to a 25th, so on average by a 50th.
const MEAN_SHORTENING: f64 = 0.98;

/// Answers are renewed in the last tenth of their time.
const YOUNG: f64 = 0.9;

/// The longest wait for a slot: the deadline, less half a second for the response.
const LONGEST_WAIT: f64 = 11.5 / 60.0;

/// What happens in each process of a fleet, or in the fleet if it shares.
pub struct Steady {
    /// Requests of all users a minute.
    requests: f64,
    /// Minutes.
    time_to_live: f64,
    regime: Regime,
}

enum Regime {
    /// Every answer that is asked for near its end is renewed.
    Renews,
    /// The limit is used up; only what is left by users who wait goes into renewals.
    RenewsLittle,
    /// More is asked than the limit allows. This part of the questions is sent.
    Refuses(f64),
}

/// What is reached in the long run.
#[derive(Debug, Clone, Copy)]
pub struct Reached {
    /// Calls to Figma a minute.
    pub calls: f64,
    /// The part of the requests that is refused.
    pub refused: f64,
}

impl Steady {
    /// With this many requests a minute, and this many calls to Figma allowed.
    pub fn new(users: &Zipf, requests: f64, time_to_live: Duration, limit: f64) -> Self {
        let time_to_live = time_to_live.as_secs_f64() / 60.0 * MEAN_SHORTENING;
        let mut steady = Steady { requests, time_to_live, regime: Regime::Renews };
        for regime in [Regime::Renews, Regime::RenewsLittle] {
            steady.regime = regime;
            if steady.demand(users) <= limit {
                return steady;
            }
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..40 {
            let sent = f64::midpoint(low, high);
            steady.regime = Regime::Refuses(sent);
            match steady.demand(users) <= limit {
                true => low = sent,
                false => high = sent,
            }
        }
        steady
    }

    /// The calls to Figma a minute.
    fn demand(&self, users: &Zipf) -> f64 {
        users.shares().map(|share| 1.0 / self.cycle(share)).sum()
    }

    /// The minutes from one call about a user to the next, on average.
    pub fn cycle(&self, share: f64) -> f64 {
        let until_asked = 1.0 / (share * self.requests);
        match self.regime {
            Regime::Renews => self.time_to_live * YOUNG + until_asked,
            Regime::RenewsLittle => self.time_to_live + until_asked,
            Regime::Refuses(sent) => self.time_to_live + LONGEST_WAIT + until_asked / sent,
        }
    }

    /// The minutes for which an answer is kept, on average.
    pub fn time_to_live(&self) -> f64 {
        self.time_to_live
    }

    /// Whether nobody is refused, and nobody who asks often waits.
    pub fn fits(&self) -> bool {
        matches!(self.regime, Regime::Renews)
    }

    pub fn reached(&self, users: &Zipf, limit: f64) -> Reached {
        match self.regime {
            Regime::Renews => Reached { calls: self.demand(users), refused: 0.0 },
            Regime::RenewsLittle => Reached { calls: limit, refused: 0.0 },
            Regime::Refuses(sent) => {
                let refused = limit * (1.0 - sent) / sent / self.requests;
                Reached { calls: limit, refused }
            }
        }
    }
}

/// How many different users may ask within one time to live, however often.
pub fn most_distinct(limit: f64, time_to_live: Duration) -> f64 {
    limit * time_to_live.as_secs_f64() / 60.0 * MEAN_SHORTENING * YOUNG
}

/// How many users who ask once a minute on average fit the limit.
pub fn most_users(limit: f64, time_to_live: Duration, replicas: f64) -> usize {
    let fits = |users: usize| {
        let requests = users as f64 / replicas;
        Steady::new(&Zipf::new(users), requests, time_to_live, limit / replicas).fits()
    };
    let mut low = 1;
    while fits(low * 2) {
        low *= 2;
    }
    let mut high = low * 2;
    // To two digits.
    while high - low > low / 100 + 1 {
        let middle = usize::midpoint(low, high);
        match fits(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    #[test]
    fn one_user_who_asks_all_the_time_costs_a_call_in_nine_tenths_of_the_time() {
        let users = Zipf::new(1);
        let steady = Steady::new(&users, 1e9, TEN_MINUTES, 1.0);
        assert!(steady.fits());
        let calls = steady.reached(&users, 1.0).calls;
        assert!((calls - 1.0 / (9.8 * 0.9)).abs() < 1e-6, "{calls}");
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let users = Zipf::new(1);
        let steady = Steady::new(&users, 10.0, TEN_MINUTES, 0.05);
        assert!(!steady.fits());
        let reached = steady.reached(&users, 0.05);
        // A call in 20 minutes, whose answer is kept for 9.8 of them; a wait of 0.2.
        assert!((steady.cycle(1.0) - 20.0).abs() < 0.01, "{}", steady.cycle(1.0));
        assert!((reached.refused - 0.5).abs() < 0.01, "{reached:?}");
    }

    #[test]
    fn more_users_fit_a_higher_limit_a_longer_time_and_a_fleet_that_shares() {
        let users = most_users(50.0, TEN_MINUTES, 1.0);
        assert!((500..1000).contains(&users), "{users}");
        assert!(most_users(300.0, TEN_MINUTES, 1.0) > 4 * users);
        assert!(most_users(50.0, TEN_MINUTES * 6, 1.0) > 4 * users);
        assert!(most_users(50.0, TEN_MINUTES, 10.0) * 3 < users);
    }
}
