//! Nothing, without the feature `metrics`. `metrics.rs` has the same functions.

pub(super) fn describe() {}

pub(super) fn hit() {}

pub(super) fn miss() {}

pub(super) fn joined() {}

pub(super) fn stale() {}

pub(super) fn refused_token() {}

pub(super) fn renewal() {}
