//! The newest requests to the sandbox, within a limit of memory.

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

    /// Adds a request, and drops the oldest ones if there is no room for it.
    pub(super) fn push(&mut self, request: Request, max_bytes: usize) {
        self.bytes += size(&request);
        self.requests.push_back(request);
        self.shrink_to(max_bytes);
    }

    /// Drops the oldest requests until the others fit.
    pub(super) fn shrink_to(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes || self.requests.len() > Self::MAX_REQUESTS {
            let Some(oldest) = self.requests.pop_front() else { return };
            self.bytes -= size(&oldest);
            self.dropped += 1;
        }
    }

    pub(super) fn all(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }

    /// How many requests were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn clear(&mut self) {
        *self = RequestLog::default();
    }
}

/// How many bytes of memory a request takes. The server copies requests out of its read
/// buffers, so they keep no other memory alive.
fn size(request: &Request) -> usize {
    /// The estimated memory of a header in the map, without its text.
    const HEADER_OVERHEAD: usize = 128;
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD);
    size_of::<Request>()
        + request.method.len()
        + request.target.len()
        + request.authority.as_ref().map_or(0, String::len)
        + request.body.len()
        + headers.sum::<usize>()
}
