//! Hashes with a key that is random and new in every process.

pub(crate) use std::hash::RandomState as KeyedHasher;
