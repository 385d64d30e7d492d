//! The atomics and locks through which threads share data.
//!
//! The atomics are those of `core`. With the standard library a waiter for a lock sleeps, and a fork can
//! hold the lock; without it the lock spins. Neither allocates or needs destruction. No other module names
//! `std::sync` or `core::sync`, so a model checker can replace both; `models/` does so with copies of the
//! protocols' sources. The exception is values that are computed once, which use `once_cell::race`: the page
//! size, the key of the exit hook and the number of lanes.

mod first;
#[cfg(feature = "std")]
pub(crate) mod guests;
#[cfg(any(test, not(feature = "std")))]
mod spin;
#[cfg(feature = "std")]
mod waiting;
#[cfg(feature = "std")]
pub(crate) mod word;

#[cfg(feature = "std")]
pub(crate) use core::sync::atomic::AtomicI32;
pub(crate) use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

pub(crate) use first::First;
#[cfg(not(feature = "std"))]
pub(crate) use spin::{Guard, Lock};
#[cfg(feature = "std")]
pub(crate) use waiting::{Guard, Lock, Patience};
#[cfg(feature = "std")]
pub(crate) use word::this_thread;

/// Asks for the cache line of an address, which may be any.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address whatever has no effect but on the caches.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Keeps the compiler from moving accesses to memory over this. Costs no instruction; with
/// `os::barrier_all_threads` on another thread it is a full barrier.
#[inline(always)]
pub(crate) fn light_barrier() {
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
}
