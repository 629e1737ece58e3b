//! What monitoring sees of the client and the cache: metrics as Prometheus reads them,
//! traces as OpenTelemetry exports them, and what `docs/monitoring.md` and
//! `examples/alerts` say about both. The ignored tests need promtool; `cargo xtask alerts`
//! runs them.

mod calls;
mod export;
mod page;
#[allow(unreachable_pub, reason = "it is the code that the documentation shows")]
mod setup;
mod trace;
