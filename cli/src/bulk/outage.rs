//! An outage: how a run notices it, and how long it waits for its end.

use std::time::{Duration, Instant};

use figma_payments::{Error, ErrorKind};

/// So many failures in a row, all of which an outage explains, are taken for one.
pub const FAILURES: usize = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Whether an outage explains this failure: of the server, or of the network on the way.
pub fn explains(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Server
    )
}

#[derive(Debug)]
pub struct Outage {
    began_at: Instant,
    /// How long a run waits for its end.
    timeout: Duration,
    next_pause: Duration,
}

impl Outage {
    /// With a short timeout the pauses are shorter.
    pub fn new(timeout: Duration) -> Self {
        let next_pause = FIRST_PAUSE.min(timeout / 30);
        Outage { began_at: Instant::now(), timeout, next_pause }
    }

    pub fn lasted(&self) -> Duration {
        self.began_at.elapsed()
    }

    /// How long to wait before the next question: each time twice as long, up to five minutes,
    /// or longer if the server asks for it. `None` if the outage has lasted too long.
    pub fn pause(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let left = self.timeout.saturating_sub(self.lasted());
        let pause = self.next_pause.max(retry_after.unwrap_or_default()).min(left);
        self.next_pause = LONGEST_PAUSE.min(2 * self.next_pause);
        (!left.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_end_with_the_time() {
        const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);
        let mut outage = Outage::new(HALF_AN_HOUR);
        let mut pauses = Vec::new();
        while let Some(pause) = outage.pause(None) {
            pauses.push(pause.as_secs_f64().round() as u64);
            outage.began_at -= pause;
        }
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300, 300, 300, 150]);
        assert_eq!(pauses.iter().sum::<u64>(), HALF_AN_HOUR.as_secs());
        let mut short = Outage::new(Duration::from_secs(3));
        assert_eq!(short.pause(None), Some(Duration::from_millis(100)));
        assert_eq!(short.pause(Some(Duration::from_secs(1))), Some(Duration::from_secs(1)));
        assert!(short.pause(Some(Duration::from_secs(60))) <= Some(Duration::from_secs(3)));
        assert_eq!(Outage::new(Duration::ZERO).pause(None), None);
    }
}
