//! What a store is asked.

use super::patience::Patience;
use super::question::Question;
use crate::model::query::PaymentQuery;

/// A question, as a call asks it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) query: &'a PaymentQuery,
    pub(crate) question: &'a Question,
    /// How much longer a shared store may take for this call.
    pub(crate) patience: &'a Patience,
}

/// Another process asks this question, because this one was stopped for too long.
#[derive(Debug)]
pub(crate) struct LeaseLost;
