//! Users, some of whom ask much more often than others.

/// By Zipf's law with the exponent 1: the second user asks half as often as the first one,
/// the third a third as often.
pub struct Zipf {
    /// The chance that a request is from this user or one before.
    cumulative: Vec<f64>,
}

impl Zipf {
    pub fn new(users: usize) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (1..=users)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|chance| *chance /= sum);
        Zipf { cumulative }
    }

    /// The user who asks next, from 0 on.
    pub fn sample(&self, random: &mut fastrand::Rng) -> usize {
        let drawn = random.f64();
        self.cumulative.partition_point(|chance| *chance <= drawn)
    }

    /// The chance that a request is from each user, the one who asks most first.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        let before = std::iter::once(&0.0).chain(&self.cumulative);
        self.cumulative.iter().zip(before).map(|(chance, before)| chance - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_fall_with_the_rank_and_are_one_together() {
        let zipf = Zipf::new(1000);
        let shares: Vec<f64> = zipf.shares().collect();
        assert_eq!(shares.len(), 1000);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        for rank in [2, 10, 1000] {
            let ratio = shares[0] / shares[rank - 1];
            assert!((ratio / rank as f64 - 1.0).abs() < 1e-9, "{rank}: {ratio}");
        }
    }

    #[test]
    fn users_are_drawn_as_often_as_their_share_says() {
        const DRAWN: usize = 1_000_000;
        let zipf = Zipf::new(100);
        let mut random = fastrand::Rng::with_seed(7);
        let mut counts = vec![0; 100];
        (0..DRAWN).for_each(|_| counts[zipf.sample(&mut random)] += 1);
        for (user, (count, share)) in counts.iter().zip(zipf.shares()).enumerate() {
            let expected = share * DRAWN as f64;
            let difference = f64::from(*count) - expected;
            assert!(difference.abs() < 5.0 * expected.sqrt(), "user {user}: {count}, {expected}");
        }
    }
}
