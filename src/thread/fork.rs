//! `fork`: a child finds the allocator whole, whatever other threads of its parent were doing.
//!
//! A child has one thread, a copy of the one that called `fork`, and a copy of everything in memory,
//! in the state that the other threads left it in. So the thread that forks first takes every lock of
//! the allocator ([`prepare`], which the C library calls before), in the order that is written down in
//! [`crate::table::hold`]. Both processes let them go after ([`parent`], [`child`]). Nothing of this is
//! on the way of an allocation; a fork pays for it with a few writes for each lane and family, and
//! so with a copy of the pages in which these are.
//!
//! **What the other threads had.** Their rows are taken off the lists in the child and given back, and
//! lanes that they were assigned count as free. The *slots* in their magazines stay as they are: in
//! use, and nobody's. A magazine has no lock, its thread may have been in the middle of a push, and a
//! fork copies page after page while other threads go on, so that what a magazine seems to hold may be
//! an object that others have. That is up to two magazines for each cell and thread, and what a
//! thread had in hand at that moment (a magazine on its way, a large allocation that nobody was told
//! of). [`free_all_in`](crate::free_all_in) frees them with the rest of their family. Until then a walk
//! of that family refuses, as it would for a thread that runs: they cannot be told from objects.
//!
//! **Handlers.** The thread that forks may allocate and free all the while, in fork handlers that run
//! between these: it passes the locks that it holds. It may fork there, too, so these calls are
//! counted. What it makes then (a family, a lane) is held from its birth.
//!
//! **Not covered** is what is the program's own: regions and pools, and the locks in a
//! [`Pool`](crate::Pool), a [`RegionPool`](crate::RegionPool), or a page source. A child must not use
//! those that another thread may have been at work in. And a handler that waits for another thread,
//! by way of a mutex say, while that one waits for memory, waits for ever, as in any allocator, if it
//! runs while the locks are held: that is, if it was registered before the first allocation.
//!
//! `fork` in a signal handler that interrupts the allocator waits for the lock that it interrupted; what
//! is safe there is `_Fork`, which calls no handlers, and then a child must not allocate. The first
//! use of any family registers the handlers: who forks on another thread at that very moment may be
//! too early for them.

use crate::class;
use crate::error::AllocError;
use crate::os;
use crate::sync::{AtomicBool, AtomicUsize, Lock, Ordering, is_forking, set_forking};
use crate::table::{FamilyTable, SetTable, hold};

use super::{background, exit};

/// Whether the handlers are registered.
static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Held by the thread that forks: the others that want to have to wait.
static ONE_AT_A_TIME: Lock<()> = Lock::new(());

/// How many forks that thread is in the midst of, one inside of another's handler.
static DEPTH: AtomicUsize = AtomicUsize::new(0);

/// A family, made now if this is its first use.
#[inline]
pub(crate) fn family(
    set: &'static SetTable,
    index: usize,
) -> Result<&'static FamilyTable, AllocError> {
    match set.used(index) {
        Some(family) => Ok(family),
        None => {
            register();
            set.family(index)
        }
    }
}

/// Registers the handlers, before there is a lock that somebody could hold.
#[cold]
fn register() {
    // First the mark: registering may allocate, and so come here again.
    if !REGISTERED.swap(true, Ordering::Relaxed) && !os::at_fork(prepare, parent, child) {
        // For want of memory: the next family's first use tries again.
        REGISTERED.store(false, Ordering::Relaxed);
    }
}

unsafe extern "C" fn prepare() {
    if !is_forking() {
        ONE_AT_A_TIME.hold();
        hold::hold_all();
        // SAFETY: by this thread, just now.
        unsafe { set_forking(true) };
    }
    DEPTH.store(DEPTH.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

unsafe extern "C" fn parent() {
    // Not where the first allocation was in a handler of this very fork.
    if is_forking() {
        end();
    }
}

unsafe extern "C" fn child() {
    background::forget();
    if is_forking() {
        tidy();
        end();
    }
}

/// Lets everything go, unless this was a fork within another.
fn end() {
    let depth = DEPTH.load(Ordering::Relaxed) - 1;
    DEPTH.store(depth, Ordering::Relaxed);
    if depth == 0 {
        // SAFETY: from here on this thread passes none.
        unsafe { set_forking(false) };
        // SAFETY: taken in `prepare`, by this thread or the one it is a copy of.
        unsafe { hold::let_all_go() };
        // SAFETY: as above.
        unsafe { ONE_AT_A_TIME.let_go() };
    }
}

/// Forgets the threads that are no more.
fn tidy() {
    exit::begin_again();
    for family in SetTable::all().flat_map(SetTable::all_used) {
        if exit::close_rows_of_others(family) > 0 {
            family.note_orphans();
        }
        for lane in (0..class::COUNT).flat_map(|class| family.lanes(class)) {
            let users = exit::rows_with_lane(family, lane);
            // A page that is written is a page that is copied.
            if lane.users.load(Ordering::Relaxed) != users {
                lane.users.store(users, Ordering::Relaxed);
            }
        }
    }
}
