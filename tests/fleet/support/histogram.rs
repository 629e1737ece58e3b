//! Times, counted: a load has too many of them to keep each.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many parts each power of two is divided into: a quantile is at most 1.6 % too high.
const PARTS: u64 = 64;

/// How often each time was measured, in microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Histogram {
    counts: BTreeMap<u32, u64>,
    /// The longest time, exactly.
    longest: u64,
}

impl Histogram {
    /// Counts one more.
    pub fn add(&mut self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        *self.counts.entry(bucket(time)).or_default() += 1;
        self.longest = self.longest.max(time);
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in &other.counts {
            *self.counts.entry(*bucket).or_default() += count;
        }
        self.longest = self.longest.max(other.longest);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The time that this part of them did not exceed: 0.999 for the 99.9th percentile.
    pub fn quantile(&self, part: f64) -> Duration {
        let rank = (self.count() as f64 * part).ceil() as u64;
        let mut below = 0;
        for (bucket, count) in &self.counts {
            below += count;
            if below >= rank {
                return Duration::from_micros(upper_bound(*bucket).min(self.longest));
            }
        }
        Duration::ZERO
    }

    /// The longest of them.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest)
    }
}

fn bucket(time: u64) -> u32 {
    let bucket = match time.checked_ilog2().unwrap_or(0).checked_sub(PARTS.ilog2()) {
        None => time,
        Some(shift) => u64::from(shift) * PARTS + (time >> shift),
    };
    u32::try_from(bucket).expect("64 powers of two have few parts")
}

/// The longest time that is counted there.
fn upper_bound(bucket: u32) -> u64 {
    let bucket = u64::from(bucket);
    match bucket < 2 * PARTS {
        true => bucket,
        false => {
            let shift = bucket / PARTS - 1;
            ((bucket - shift * PARTS + 1) << shift) - 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_hardly_higher_than_what_was_measured() {
        for time in (0..200).chain([1_000, 65_535, 65_536, 1_234_567, 60_000_000]) {
            let upper = upper_bound(bucket(time));
            assert!((time..=time + time / 64).contains(&upper), "{time}: {upper}");
        }
    }

    #[test]
    fn quantiles_of_two_merged_halves_are_those_of_the_whole() {
        let mut halves = [Histogram::default(), Histogram::default()];
        (1..=1000).for_each(|time| halves[time % 2].add(Duration::from_micros(time as u64)));
        let [mut whole, other] = halves;
        whole.merge(&other);
        assert_eq!((whole.count(), whole.longest()), (1000, Duration::from_millis(1)));
        assert!((500..=508).contains(&whole.quantile(0.5).as_micros()));
        assert_eq!(whole.quantile(1.0), whole.longest());
    }
}
