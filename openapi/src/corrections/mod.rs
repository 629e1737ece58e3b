//! Corrections: where the published document differs from the real server.
//!
//! Each correction has an id, a reason and its evidence, and it looks whether the
//! document still needs it. Once Figma has changed the document, the correction
//! reports that it is no longer needed and can be removed.

pub(crate) mod correction;
mod draft;
mod request;
mod responses;

use crate::document::Document;
use crate::error::Result;
use correction::{Correction, Outcome};
use draft::Draft;

/// Every correction, in the order in which they are applied.
pub const CORRECTIONS: &[Correction] = &[
    request::IDS_AS_TEXT,
    request::X_FIGMA_TOKEN,
    responses::PAYMENT_STATUS_SHAPES,
    responses::PAYMENT_STATUS_ABSENT,
    responses::STATUS_AS_INTEGER,
    responses::ERROR_STATUS_EXAMPLE,
    responses::STATUS_400,
    responses::STATUS_403,
    responses::STATUS_404,
];

/// The outcome of each of [`CORRECTIONS`], in their order.
pub type Outcomes = Vec<(&'static Correction, Result<Outcome>)>;

/// The corrected document, with a report.
#[derive(Debug, Clone)]
pub struct Corrected {
    /// The corrected document.
    pub document: Document,
    /// The outcome of each of [`CORRECTIONS`], in their order.
    pub report: Vec<(&'static Correction, Outcome)>,
}

impl Corrected {
    /// A line for each correction: its id, and what became of it.
    pub fn outcomes(&self) -> String {
        self.report.iter().map(|(it, outcome)| format!("{} {outcome}\n", it.id)).collect()
    }
}

/// Applies all [`CORRECTIONS`] to a document whose schemas have their names (see
/// [`name`](crate::name)).
///
/// # Errors
///
/// A correction that does not find the place it is about.
pub fn correct(named: &Document) -> Result<Corrected> {
    let mut draft = Draft::new(named);
    let report = apply_all(named, &mut draft)
        .into_iter()
        .map(|(correction, outcome)| Ok((correction, outcome?)))
        .collect::<Result<_>>()?;
    Ok(Corrected { document: Document::from_value(named.name(), draft.into_root())?, report })
}

/// Like [`correct`], but goes on after an error, so that a report can list every
/// correction that failed and not only the first.
pub fn attempt(named: &Document) -> Outcomes {
    apply_all(named, &mut Draft::new(named))
}

fn apply_all(named: &Document, draft: &mut Draft<'_>) -> Outcomes {
    let apply = |correction: &'static Correction| {
        let outcome = (correction.apply)(draft).map_err(|error| {
            let place = error.pointer().unwrap_or_default();
            let (id, message) = (correction.id, error.message());
            named.error(place, format!("the correction `{id}` could not be applied: {message}"))
        });
        (correction, outcome)
    };
    CORRECTIONS.iter().map(apply).collect()
}
