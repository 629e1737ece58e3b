//! What stands in for reqwest and tokio on `wasm32-unknown-unknown`: the host's
//! `fetch`, timers and clocks. reqwest makes the requests there too, but does
//! not send them: it follows redirects, and takes the access token along.

pub(crate) mod attempt;
pub(crate) mod clock;
mod fetch;
pub(crate) mod http;
pub(crate) mod task;

/// The call can be part of a future that has to be `Send`, as on a server.
const _: fn(&crate::Client, crate::PaymentQuery) = |client, query| {
    fn sent(_: impl Send) {}
    sent(client.get_payments(query));
};
