//! What the gate tells: an event for each decision, and metrics (feature `metrics`). No
//! payment token and no URL is in them, and no user.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "no_metrics.rs"]
mod metrics;

use figma_payments::{Error, ErrorKind, Source};
use tracing::{debug, error, trace, warn};

use crate::refusal::Refusal;

/// What users filter by.
const TARGET: &str = "figma_payments_gate";

/// Tells the recorder of metrics what there is.
pub(crate) fn describe() {
    metrics::describe();
}

pub(crate) fn granted(source: Source) {
    metrics::granted(source.as_str());
    debug!(target: TARGET, source = source.as_str(), "granted");
}

/// For the people who run the backend. The error holds no secret.
pub(crate) fn refused(refusal: &Refusal) {
    let reason = refusal.problem().reason();
    metrics::refused(reason);
    match refusal {
        Refusal::Misconfigured(mistake) => {
            error!(target: TARGET, reason, error = %mistake, "refused: somebody has to act");
        }
        // The server's message may name a user, so it is logged only at level `trace`.
        Refusal::NoAnswer(error) if waiting_does_not_help(error) => {
            warn!(
                target: TARGET,
                {
                    reason,
                    "error.type" = error.kind().as_str(),
                    "http.response.status_code" = error.status().map(i64::from),
                    request_id = error.request_id(),
                },
                "refused: somebody may have to act"
            );
            trace!(target: TARGET, { reason, %error }, "refused");
        }
        Refusal::NoAnswer(error) => {
            debug!(target: TARGET, { reason, "error.type" = error.kind().as_str() }, "refused");
        }
        Refusal::NoToken | Refusal::Unpaid | Refusal::NotAdmitted(_) => {
            debug!(target: TARGET, reason, "refused");
        }
    }
}

/// The access token, the id, the base URL, or this program has to change.
fn waiting_does_not_help(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Configuration
            | ErrorKind::BadRequest
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Redirect
            | ErrorKind::BodyTooLarge
            | ErrorKind::InvalidResponse
    )
}
