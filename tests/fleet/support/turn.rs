//! Which drills may run at the same time, and how long a drill is.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

/// For a drill that measures time or fills the machine: nothing else runs meanwhile.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// For all other drills.
pub fn together() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the drills run in full (`FIGMA_PAYMENTS_DRILLS=1`), which takes many minutes.
pub fn in_full() -> bool {
    std::env::var_os("FIGMA_PAYMENTS_DRILLS").is_some_and(|value| value == "1")
}
