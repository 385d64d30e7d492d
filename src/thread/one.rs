//! The promise that there is but one thread.
//!
//! Without the standard library the allocator cannot tell threads apart, so none has magazines. Where
//! there is only one there is nothing to tell apart: its cache slots and its list of caches are statics, and
//! it never ends.

use crate::sync::{AtomicBool, Ordering};

use super::CacheSlots;

static PROMISED: AtomicBool = AtomicBool::new(false);

/// Whether somebody has made the promise.
pub(super) fn is_promised() -> bool {
    PROMISED.load(Ordering::Relaxed)
}

/// Promises that from now on this thread is the only one that uses the allocator, so that it can have
/// magazines: an allocation is then a dozen instructions without a lock, as it is with the standard
/// library. Like there, a double free is then noticed when magazines are flushed, not at once. A
/// [`check`](crate::check) empties the magazines first.
///
/// Without it any number of threads may do so, each operation under a lock.
///
/// # Safety
///
/// Until the program ends, every call of this crate, and every use and drop of what it handed out that
/// calls it, is made on the calling thread. No interrupt handler makes one. What other threads did
/// before has happened before this call.
///
/// # Examples
///
/// ```no_run
/// // SAFETY: this machine has one core, and its interrupt handlers do not allocate.
/// unsafe { famalloc::promise_one_thread() };
/// ```
pub unsafe fn promise_one_thread() {
    PROMISED.store(true, Ordering::Relaxed);
}

/// What would be a thread-local.
#[derive(Debug)]
pub(super) struct OneThread<T>(T);

// SAFETY: the cells in it are written by the one thread there is, after the promise. Before it they are
// read alone.
unsafe impl<T> Sync for OneThread<T> {}

impl<T> OneThread<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(value)
    }

    /// What a thread-local has under this name.
    pub(super) fn with<R>(&self, use_value: impl FnOnce(&T) -> R) -> R {
        use_value(&self.0)
    }
}

/// The cache slots of a family set.
#[derive(Debug)]
pub struct StaticCacheSlots<const N: usize>(CacheSlots<N>);

// SAFETY: as for `OneThread`.
unsafe impl<const N: usize> Sync for StaticCacheSlots<N> {}

impl<const N: usize> StaticCacheSlots<N> {
    /// CacheSlots that point at the empty cache; see [`CacheSlots::new`].
    #[must_use]
    pub const fn new(fallback: usize) -> Self {
        Self(CacheSlots::new(fallback))
    }

    /// What a thread-local has under this name.
    #[inline(always)]
    pub fn with<R>(&self, use_cache_slots: impl FnOnce(&CacheSlots<N>) -> R) -> R {
        use_cache_slots(&self.0)
    }
}
