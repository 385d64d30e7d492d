//! Explicit start, idling and end of a thread's work.
//!
//! None of these calls is required. A thread gets its thread caches at its first use of each family, and
//! gives them up when it ends. But an embedder may know more: that a thread is about to work, and should
//! not pay for the setup at its first allocation; that it will wait for long, and others could use the
//! slots in its magazines; that it will not allocate again, although it does not end.
//!
//! Any thread may call each of these for itself, at any time and any number of times.
//!
//! Memory that is idle for half a second is returned step by step, by the allocations and frees of other
//! threads. A program whose threads all wait can start a background thread (`start_background`) for it.

#[cfg(feature = "std")]
use core::time::Duration;

use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;
#[cfg(feature = "std")]
use crate::thread::background;
use crate::thread::{self, exit};

/// Creates what the calling thread needs to use a family: its thread cache, and the hook that gives it up
/// when the thread ends. Returns whether it has them now; if not, the thread allocates under a lock.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, lifecycle};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// std::thread::spawn(|| {
///     assert!(lifecycle::thread_initialize(lives::Request));
/// }).join().unwrap();
/// ```
pub fn thread_initialize<K: FamilyKey>(family: K) -> bool {
    // SAFETY: a family's cache slot is valid on the calling thread (contract of `FamilyKey`).
    let cache_slot = unsafe { &*family.cache_slot() };
    thread::family(<K::Set as FamilySet>::table(), family.position())
        .is_ok_and(|family| exit::cache(cache_slot, family).is_some())
}

/// Moves the free slots in the magazines of the calling thread, of all families, back to where other
/// threads and [`reclaim`](crate::reclaim) can use them. The thread keeps the empty magazines.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, lifecycle, ClassUse, FamilyBox};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// drop(FamilyBox::<u64, _>::new_in(7, lives::Request));
/// let parked = || ClassUse::of(lives::Request).map(|class| class.parked_objects).sum::<usize>();
/// assert!(parked() > 0);
/// lifecycle::thread_collect();
/// assert_eq!(parked(), 0);
/// ```
pub fn thread_collect() {
    exit::unload_caches();
}

/// Gives up everything that the calling thread keeps, as its exit does: its magazines, of all families,
/// and its places in their lanes. If the thread allocates again, it gets new ones.
///
/// # Examples
///
/// A thread that waits no longer prevents a walk:
///
/// ```
/// use std::sync::mpsc::channel;
/// use famalloc::{alloc_family, lifecycle, walk, FamilyBox};
///
/// #[alloc_family]
/// enum Lives {
///     Object,
/// }
///
/// let (made, wait) = channel();
/// let (go_on, gate) = channel::<()>();
/// let other = std::thread::spawn(move || {
///     drop(FamilyBox::<u32, _>::new_in(7, lives::Object));
///     lifecycle::thread_finalize();
///     made.send(()).unwrap();
///     gate.recv().unwrap();
/// });
/// wait.recv().unwrap();
/// assert_eq!(walk(lives::Object, |_, _| {}), Ok(()));
/// go_on.send(()).unwrap();
/// other.join().unwrap();
/// ```
pub fn thread_finalize() {
    exit::close_caches();
}

/// Starts a background thread of the allocator that returns memory to the system while all other threads
/// sleep. Once in a `period` it looks for memory that is idle, as long as there is some; otherwise it
/// sleeps. Returns whether such a thread exists now. (If it existed before, it uses the new period from
/// its next round on.)
///
/// Only this call starts the thread. It has a small stack and blocks all signals. It ends by itself when
/// no thread has magazines any more, and does not keep the process from ending. The child of a fork has
/// none. It may be started again at any time, but not by code that an allocation calls: a [page
/// source](crate::PageSource), or a replacement of `malloc`.
///
/// Periods below half a second are of little use, since only memory that was idle that long is returned.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use famalloc::lifecycle;
///
/// assert!(lifecycle::start_background(Duration::from_millis(500)));
/// lifecycle::stop_background();
/// ```
#[cfg(feature = "std")]
pub fn start_background(period: Duration) -> bool {
    background::start(u32::try_from(period.as_millis()).unwrap_or(u32::MAX))
}

/// Stops the thread of [`start_background`], if it exists, and waits until it has ended, or until another
/// call starts it again.
#[cfg(feature = "std")]
pub fn stop_background() {
    background::stop();
}
