//! Nothing, without the feature `metrics`. `metrics.rs` has the same functions.

pub(crate) fn describe() {}

pub(crate) fn in_use(_: bool) {}

pub(crate) fn failure(_: bool) {}

pub(crate) fn processes(_: u32) {}

pub(crate) fn disagree(_: bool) {}
