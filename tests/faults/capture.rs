//! Everything that anybody logs, at level `trace`: the crate's own spans and
//! events, and what the HTTP library says through `log`.

use tracing_subscriber::fmt::format::FmtSpan;

use crate::support::capture::Capture;

/// Begins to capture, for the whole process.
pub fn everything() -> Capture {
    let capture = Capture::default();
    // `init` also takes over what goes through the `log` crate.
    use tracing_subscriber::util::SubscriberInitExt;
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(capture.clone())
        .finish()
        .init();
    capture
}
