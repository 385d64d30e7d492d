//! Everything that threads share goes through this module.
//!
//! The atomics are those of `core` and the lock is that of the standard library, which on Linux,
//! macOS and Windows neither allocates nor needs destruction. No other module names
//! `std::sync` or `core::sync`, so a model checker can stand in for both by changing this file
//! alone.

pub(crate) use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

use std::sync::{Mutex, MutexGuard, TryLockError};

/// A lock around the state it guards.
///
/// A panic while it is held does not poison it: the allocator's own critical sections do not
/// panic, so the state is whole whenever the lock is free.
#[derive(Debug, Default)]
pub(crate) struct Lock<T> {
    inner: Mutex<T>,
}

/// The right to touch what a [`Lock`] guards.
pub(crate) type Guard<'a, T> = MutexGuard<'a, T>;

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { inner: Mutex::new(value) }
    }

    /// Waits for the lock.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        match self.inner.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Takes the lock if nobody holds it.
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        match self.inner.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// Asks for the cache line of an address, which may be any.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address whatever has no effect but on the caches.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
}
