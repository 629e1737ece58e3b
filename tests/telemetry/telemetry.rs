//! What monitoring sees of the client and the cache: metrics as Prometheus reads them,
//! traces as OpenTelemetry exports them, and what `docs/monitoring.md` and
//! `examples/alerts` say about both. The ignored tests need promtool; `cargo xtask alerts`
//! runs them.

mod cache;
mod calls;
mod everything;
mod export;
mod page;
mod run;
mod setup;
mod trace;
