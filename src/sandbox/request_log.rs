//! The newest requests to the sandbox with their answers, within a limit of memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::SystemTime;

use super::message::{Exchange, Reply, Request};

#[derive(Debug, Default)]
pub(super) struct RequestLog {
    exchanges: VecDeque<Exchange>,
    /// How many requests there were, with those that were dropped or cleared.
    count: u64,
    bytes: usize,
    dropped: u64,
}

impl RequestLog {
    pub(super) const MAX_REQUESTS: usize = 10_000;

    /// Adds a request, and drops the oldest ones if there is no room for it.
    pub(super) fn push(&mut self, request: Request, reply: &Reply, max_bytes: usize) {
        self.count += 1;
        let (number, received) = (self.count, SystemTime::now());
        let (status, body) = (reply.status(), reply.body());
        let exchange = Exchange { number, received, request, status, body };
        self.bytes += size(&exchange);
        self.exchanges.push_back(exchange);
        self.shrink_to(max_bytes);
    }

    /// Drops the oldest requests until the others fit.
    pub(super) fn shrink_to(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes || self.exchanges.len() > Self::MAX_REQUESTS {
            let Some(oldest) = self.exchanges.pop_front() else { return };
            self.bytes -= size(&oldest);
            self.dropped += 1;
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.exchanges.iter().map(|exchange| exchange.request.clone()).collect()
    }

    /// Those with at least this number.
    pub(super) fn exchanges_from(&self, number: u64) -> Vec<Exchange> {
        let older = number.saturating_sub(self.numbers().start);
        let older = usize::try_from(older).unwrap_or(usize::MAX);
        self.exchanges.iter().skip(older).cloned().collect()
    }

    pub(super) fn numbers(&self) -> Range<u64> {
        let next = self.count + 1;
        next - self.exchanges.len() as u64..next
    }

    /// How many requests were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn clear(&mut self) {
        *self = RequestLog { count: self.count, ..RequestLog::default() };
    }
}

/// How many bytes of memory a request and its answer take. The server copies requests out of
/// its read buffers, so they keep no other memory alive.
fn size(exchange: &Exchange) -> usize {
    /// The estimated memory of a header in the map, without its text.
    const HEADER_OVERHEAD: usize = 128;
    let request = &exchange.request;
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD);
    size_of::<Exchange>()
        + request.method.len()
        + request.target.len()
        + request.authority.as_ref().map_or(0, String::len)
        + request.body.len()
        + exchange.body.len()
        + headers.sum::<usize>()
}
