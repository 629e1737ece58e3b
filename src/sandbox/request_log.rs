//! The requests that the sandbox saw: as many of the newest ones as there is
//! room for.

use std::collections::VecDeque;

use super::message::Request;

#[derive(Debug, Default)]
pub(super) struct RequestLog {
    requests: VecDeque<Request>,
    bytes: usize,
    dropped: u64,
}

impl RequestLog {
    pub(super) const MAX_REQUESTS: usize = 10_000;

    /// Adds the request. The oldest ones make room for it.
    pub(super) fn push(&mut self, request: Request, most_bytes: usize) {
        self.bytes += size(&request);
        self.requests.push_back(request);
        self.fit(most_bytes);
    }

    /// Drops the oldest requests until the others fit.
    pub(super) fn fit(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes || self.requests.len() > Self::MAX_REQUESTS {
            let Some(oldest) = self.requests.pop_front() else { return };
            self.bytes -= size(&oldest);
            self.dropped += 1;
        }
    }

    pub(super) fn all(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }

    /// How many had no room any more.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn clear(&mut self) {
        *self = RequestLog::default();
    }
}

/// What a request takes in memory. The server copies all of it out of what it
/// read, of which nothing stays.
fn size(request: &Request) -> usize {
    /// A header without its text, and its share of the map.
    const HEADER: usize = 128;
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER);
    size_of::<Request>()
        + request.method.len()
        + request.target.len()
        + request.authority.as_ref().map_or(0, String::len)
        + request.body.len()
        + headers.sum::<usize>()
}
