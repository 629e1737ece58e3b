//! Limits how many calls to Figma one caller can cause: each forged token costs a call, and
//! Figma counts all of them as yours.
//!
//! A caller is an IP address. Behind a proxy, all requests come from the proxy's address.
//! Then let the proxy limit callers (with `limit_req` in nginx, for instance), and raise
//! `BURST` here. Do not trust `X-Forwarded-For` unless your proxy overwrites it: anybody
//! can send one. The proxy should also do TLS, and limit how long a client may take to send
//! its request.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::refusal::Refusal;

/// How many calls one caller can cause at once, and how often one more after that. Figma
/// allows 300 questions by token a minute; one caller gets a tenth, which is enough for an
/// office behind one address.
const BURST: u32 = 30;
const INTERVAL: Duration = Duration::from_secs(2);

/// How many questions to Figma may be under way. If Figma does not answer, each takes 12 s;
/// callers beyond this number get an answer at once, and do not wait in a queue.
const MAX_UNDER_WAY: usize = 64;

/// How many callers are remembered.
const MAX_CALLERS: usize = 10_000;

/// A leaky bucket for each caller, and permits that all callers share.
pub struct CallerLimit {
    /// When the bucket of each caller is empty again.
    empty_at: Mutex<HashMap<IpAddr, Instant>>,
    permits: Semaphore,
}

impl Default for CallerLimit {
    fn default() -> Self {
        CallerLimit { empty_at: Mutex::default(), permits: Semaphore::new(MAX_UNDER_WAY) }
    }
}

impl CallerLimit {
    /// Lets the caller ask Figma once. Keep the permit until Figma has answered.
    pub fn acquire(&self, caller: IpAddr) -> Result<SemaphorePermit<'_>, Refusal> {
        self.count(network(caller), Instant::now())?;
        self.permits.try_acquire().map_err(|_| Refusal::Busy)
    }

    /// Adds a call to the caller's bucket, or refuses it if the bucket is full.
    fn count(&self, caller: IpAddr, now: Instant) -> Result<(), Refusal> {
        let mut callers = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(&caller) {
            callers.retain(|_, empty_at| *empty_at > now);
            if callers.len() >= MAX_CALLERS {
                return Err(Refusal::Busy);
            }
        }
        let empty_at = callers.entry(caller).or_insert(now);
        let after = now.max(*empty_at) + INTERVAL;
        let full_at = now + INTERVAL * BURST;
        match after <= full_at {
            true => {
                *empty_at = after;
                Ok(())
            }
            false => Err(Refusal::TooOften(after - full_at)),
        }
    }
}

/// One caller: an IPv4 address, or an IPv6 network of 64 bits, because one caller has at
/// least that many IPv6 addresses.
fn network(caller: IpAddr) -> IpAddr {
    match caller.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}
