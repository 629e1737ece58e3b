//! Nothing, without the feature `metrics`. `metrics.rs` has the same functions.

use super::link::Failure;

pub(crate) fn describe() {}

pub(crate) fn in_use(_: bool) {}

pub(crate) fn failure(_: &Failure) {}

pub(crate) fn processes(_: u32) {}

pub(crate) fn disagree(_: bool) {}
