//! Compares two payments parts, as published and after the corrections.

use anyhow::Result;
use figma_payments_openapi::{self as openapi, Document};

use super::comparison::Comparison;
use super::report::{Change, CorrectionState, Report};
use crate::spec::escape::escaped;
use crate::spec::slice::endpoint::Endpoint;
use crate::spec::slice::part::Slice;

/// Compares two payments parts, as published and after the corrections.
///
/// # Errors
///
/// A part of a document that is compared has the wrong type, such as a list instead of a
/// mapping.
pub fn diff(old: &Slice, new: &Slice) -> Result<Report> {
    let changes = compare(old.document(), new.document())?;
    let new_corrected = corrected(new.document());
    let effect = match changes.is_empty() {
        true => Ok(Vec::new()),
        false => match (corrected(old.document()).document, new_corrected.document) {
            (Ok(old), Ok(new)) => Ok(compare(&old, &new)?),
            (Err(error), _) | (_, Err(error)) => Err(error),
        },
    };
    let title =
        |slice: &Slice| escaped(&format!("{} ({})", slice.document().name(), slice.version()));
    Ok(Report {
        old: title(old),
        new: title(new),
        changes,
        effect,
        corrections: new_corrected.corrections,
    })
}

struct Corrected {
    /// The corrected document, or why it cannot be corrected.
    document: Result<Document, String>,
    corrections: Vec<CorrectionState>,
}

fn corrected(published: &Document) -> Corrected {
    let named = match openapi::name(published) {
        Ok(named) => named,
        Err(error) => {
            return Corrected {
                document: Err(escaped(&error.to_string())),
                corrections: Vec::new(),
            };
        }
    };
    let outcomes = openapi::attempt(&named).into_iter();
    let corrections = outcomes.map(|(correction, outcome)| CorrectionState {
        id: correction.id,
        outcome: outcome
            .map(|outcome| outcome.to_string())
            .map_err(|error| escaped(&error.to_string())),
    });
    let corrections = corrections.collect();
    let document = openapi::correct(&named).map(|corrected| corrected.document);
    Corrected { document: document.map_err(|error| escaped(&error.to_string())), corrections }
}

/// The changes of the payments operation from one document to the other.
fn compare(old: &Document, new: &Document) -> Result<Vec<Change>> {
    let mut comparison = Comparison::new(old, new);
    comparison.documents(&Endpoint::find(old)?, &Endpoint::find(new)?)?;
    Ok(comparison.into_changes())
}
