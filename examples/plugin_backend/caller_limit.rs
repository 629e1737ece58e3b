//! How often one caller may have Figma asked: every forged token costs a call,
//! and Figma counts them all as yours.
//!
//! A caller is an address. Behind a proxy all requests come from the proxy's:
//! there let the proxy limit by address, with `limit_req` in nginx for instance,
//! and raise `AT_ONCE` here. `X-Forwarded-For` counts only if your proxy sets it
//! anew; anybody can send one. The proxy should also bound how long a client
//! takes to send its request, and end TLS.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::refusal::Refusal;

/// Figma allows 300 questions by token a minute: one caller gets a tenth. That
/// is enough for an office behind one address.
const AT_ONCE: u32 = 30;
const AGAIN_EVERY: Duration = Duration::from_secs(2);

/// As many questions are under way at most. A silent Figma holds each of them
/// for 12 s; the next ones are told so at once.
const UNDER_WAY: usize = 64;

/// As many callers are remembered.
const CALLERS: usize = 10_000;

/// A leaky bucket for each caller, and so many places for all.
pub struct CallerLimit {
    /// When each bucket will have run empty.
    empty_at: Mutex<HashMap<IpAddr, Instant>>,
    places: Semaphore,
}

impl Default for CallerLimit {
    fn default() -> Self {
        CallerLimit { empty_at: Mutex::default(), places: Semaphore::new(UNDER_WAY) }
    }
}

impl CallerLimit {
    /// A place to ask from, until it is dropped.
    pub fn admit(&self, caller: IpAddr) -> Result<SemaphorePermit<'_>, Refusal> {
        self.pour(household(caller), Instant::now())?;
        self.places.try_acquire().map_err(|_| Refusal::Busy)
    }

    fn pour(&self, caller: IpAddr, now: Instant) -> Result<(), Refusal> {
        let mut callers = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS && !callers.contains_key(&caller) {
            callers.retain(|_, empty_at| *empty_at > now);
            if callers.len() >= CALLERS {
                return Err(Refusal::Busy);
            }
        }
        let empty_at = callers.entry(caller).or_insert(now);
        let after = now.max(*empty_at) + AGAIN_EVERY;
        let full_at = now + AGAIN_EVERY * AT_ONCE;
        match after <= full_at {
            true => {
                *empty_at = after;
                Ok(())
            }
            false => Err(Refusal::TooOften(after - full_at)),
        }
    }
}

/// With IPv6 one caller has 2^64 addresses at the least.
fn household(caller: IpAddr) -> IpAddr {
    match caller.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}
