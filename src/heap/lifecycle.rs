//! The beginning, the rests and the end of a thread's work, by hand.
//!
//! Nothing here has to be called. A thread gets its rows of magazines at its first use of each family,
//! and gives them back when it ends. But an embedder may know better: that a thread is about to work, and
//! should not stumble at the first allocation; that it will wait for long, and others could do with
//! what its magazines hold; that it will not allocate again, though it does not end.
//!
//! Each of these may be called at any time and any number of times, by any thread, for itself.
//!
//! What nobody has used for half a second goes back by and by, with the allocations and frees of whoever
//! is at work; a program whose threads all wait can have a thread (`start_background`) that does it.

#[cfg(feature = "std")]
use core::time::Duration;

use crate::family::FamilySet;
#[cfg(feature = "std")]
use crate::thread::background;
use crate::thread::{self, Homes, exit};

/// Makes what the calling thread needs to use a family: its row of magazines, and the hook that gives
/// it back at the thread's end. Returns whether it has them now; where not, it allocates under a lock.
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
///     assert!(lifecycle::thread_initialize(&Lives::Request));
/// }).join().unwrap();
/// ```
pub fn thread_initialize<S: FamilySet>(family: &S) -> bool {
    // SAFETY: the calling thread's homes (contract of `FamilySet`); positions come from the set.
    let home = unsafe { Homes::home_of(S::homes(), family.index()) };
    thread::family(S::table(), family.index()).is_ok_and(|family| exit::row(home, family).is_some())
}

/// Puts the free slots in the calling thread's magazines, of all families, back where other threads, and
/// [`reclaim`](crate::reclaim), can have them. The magazines stay, empty.
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
/// drop(FamilyBox::<u64, lives::Request>::new_in(7));
/// let parked = || ClassUse::of::<lives::Request>().map(|class| class.parked_objects).sum::<usize>();
/// assert!(parked() > 0);
/// lifecycle::thread_collect();
/// assert_eq!(parked(), 0);
/// ```
pub fn thread_collect() {
    exit::unload_rows();
}

/// Gives back all that the calling thread keeps, as its end does: its magazines, of all families, and
/// its places in their lanes. If the thread goes on to allocate, it begins anew.
///
/// # Examples
///
/// A thread that waits does not keep others from a walk any more:
///
/// ```
/// use std::sync::mpsc::channel;
/// use famalloc::{alloc_family, lifecycle, walk_in, FamilyBox};
///
/// #[alloc_family]
/// enum Lives {
///     Object,
/// }
///
/// let (made, wait) = channel();
/// let (go_on, gate) = channel::<()>();
/// let other = std::thread::spawn(move || {
///     drop(FamilyBox::<u32, lives::Object>::new_in(7));
///     lifecycle::thread_finalize();
///     made.send(()).unwrap();
///     gate.recv().unwrap();
/// });
/// wait.recv().unwrap();
/// assert_eq!(walk_in::<lives::Object>(|_, _| {}), Ok(()));
/// go_on.send(()).unwrap();
/// other.join().unwrap();
/// ```
pub fn thread_finalize() {
    exit::close_rows();
}

/// Has a thread of the allocator's own give memory back while all others sleep: once in a `period` it looks
/// what nobody has used, as long as there is something, and otherwise sleeps too. Returns whether there
/// is such a thread now. (If there was one, it goes by the new period from its next look on.)
///
/// There is none but by this call. It is a small one, with all signals blocked, ends by itself when no thread
/// has magazines any more, and does not keep the process from ending. A child of a fork has none. It may
/// be started again at any time, but not by what an allocation calls: a [page source](crate::PageSource), or
/// a replacement of `malloc`.
///
/// Periods below half a second are of little use, since nothing goes back that has not lain idle for
/// as long.
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

/// Ends the thread of [`start_background`], if there is one, and waits until it has ended; or until somebody
/// starts it again.
#[cfg(feature = "std")]
pub fn stop_background() {
    background::stop();
}
