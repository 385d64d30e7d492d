//! `fork`: a child finds the allocator whole, whatever other threads of its parent were doing, or starts
//! over.
//!
//! A child has one thread, a copy of the one that called `fork`, and a copy of everything in memory,
//! in the state that the other threads left it in. So the thread that forks first takes every lock of
//! the allocator ([`prepare`], which the C library calls before), in the order that is written down in
//! [`crate::table::fork_locks`]. Both processes let them go after ([`parent`], [`child`]). Nothing of this is
//! on the way of an allocation; a fork pays for it with a few writes for each lane and family, and
//! so with a copy of the pages in which these are.
//!
//! **What the other threads had.** Their caches are taken off the lists in the child and given back, and
//! lanes that they were assigned count as free. The *slots* in their magazines stay as they are: in
//! use, and nobody's. A magazine has no lock, its thread may have been in the middle of a push, and a
//! fork copies page after page while other threads go on, so that what a magazine seems to hold may be
//! an object that others have. That is up to two magazines for each cell and thread, and what a
//! thread had in hand at that moment (a magazine on its way, a large allocation that nobody was told
//! of). [`free_all`](crate::free_all) frees them with the rest of their family. Until then a walk
//! of that family refuses, as it would for a thread that runs: they cannot be told from objects.
//!
//! **Handlers.** The thread that forks may allocate and free all the while, in fork handlers that run
//! between these: it passes the locks that it holds. It may fork there, too, so these calls are
//! counted. What it makes then (a family, a lane) is held from its birth.
//!
//! **Waiting for others.** Between these the thread that forks may also have to wait for other threads, and
//! they for memory: a handler of the program's that takes a mutex, or the C library, which takes the lock
//! of its list of streams after all handlers, while another thread flushes these. Such a thread becomes a
//! guest after a moment ([`crate::sync::guests`]), and passes the locks, too.
//!
//! **No hold.** Where the thread that forks is in the midst of the allocator itself, in a signal handler
//! that interrupted it, or in a page source, it would wait for itself; and for others that wait for it.
//! It takes no lock then. Nor does it where it is kept waiting for too long for what others hold, who may
//! be stopped, or have been interrupted by a handler that waits. The parent is as if it had not forked.
//!
//! **Starting over.** In a child of a fork without a hold, or one that sees a guest in the midst of
//! something, what guests and locks guard may be torn. Unless it turns out that nothing was in the midst
//! of anything, the child gives up all memory that it inherited, at the first allocation that its
//! magazines do not serve, and begins as a new process does, with new magazines and in new addresses. Then
//!
//! - objects stay where they are and what they are, can be freed and reallocated; their memory is not
//!   used again, but for what a typed free puts into a magazine, from where the same size of the same
//!   family may get it. Nothing else that was given up is handed out;
//! - memory that is freed is not zeroed where it is large and of a family that wishes that;
//! - families are empty and count what is allocated from then on; walks do not see what was before. Only
//!   what a typed free of it puts into a magazine counts as parked;
//! - a family whose page source has no second range to give, like a buffer, is without memory; and a
//!   region that had memory does not grow.
//!
//! A child that ends or executes another program without an allocation does nothing of this. One of a
//! process with one thread that returns from the signal handler without one goes on where its parent
//! does, with nothing lost. One that allocates in the handler and then returns, as well, but for what it
//! was in the midst of: that is served from what was given up.
//!
//! **Children that nobody was told of.** A child may come to be without these handlers: by `_Fork`, by the system's
//! own call, or because the first use of any family, which registers them, was on another thread at that
//! very moment. It finds that out by a page that the system [wipes](os::page_wiped_at_fork) in every child, and
//! is then like one of a fork without a hold. That is seen out of line alone: until then its thread goes
//! on with its own magazines, which are whole unless it has interrupted itself.
//!
//! **Not covered** is what is the program's own: regions and pools, and the locks in a
//! [`Pool`](crate::Pool), a [`RegionPool`](crate::RegionPool), or a page source. A child must not use
//! those that another thread may have been at work in. And a signal handler that allocates may interrupt its
//! thread in the midst of a push or a pop, with or without a fork: what the handler pushes or pops is then in
//! two hands if it returns. Where the kernel is older than 4.14 no page is wiped, and a child that nobody was
//! told of must not allocate.

use core::cell::Cell;
use core::ptr;

use crate::error::AllocError;
use crate::os;
use crate::sync::guests::{self, Waiter, is_forking};
use crate::sync::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Lock, Ordering, Patience,
};
use crate::table::{FamilyTable, SetTable, fork_locks};

use super::{background, exit};

/// How often, in times of two milliseconds, a thread that forks waits for locks that others hold; ...
const PATIENCE: u32 = 250;
/// ... and for another thread that forks, and sleeps.
const PATIENCE_WITH_FORK: u32 = 25;

/// The handlers are not registered, ...
const UNREGISTERED: u32 = 0;
/// ... somebody is about to, ...
const REGISTERING: u32 = 1;
/// ... or they are.
const REGISTERED: u32 = 2;

static HANDLERS: AtomicU32 = AtomicU32::new(UNREGISTERED);

/// Held by the thread that forks: the others that want to have to wait.
static ONE_AT_A_TIME: Lock<()> = Lock::new(());

/// How many forks that thread is in the midst of, one inside of another's handler.
static DEPTH: AtomicUsize = AtomicUsize::new(0);

/// The process of that thread.
static PROCESS: AtomicI32 = AtomicI32::new(0);

/// What [`attend`] looks at.
#[derive(Debug)]
struct Notice {
    /// Whether there is nothing more to look at: no thread forks, and this is no child in which something may
    /// be torn.
    calm: AtomicBool,
    /// Whether that was written in this process.
    own: AtomicBool,
}

/// Until the handlers are about to be registered, and where no page is wiped at a fork.
static KEPT: Notice = Notice { calm: AtomicBool::new(true), own: AtomicBool::new(true) };

/// Where it is: on a page of zeros, in a child that nobody has told of the fork.
static NOTICE: AtomicPtr<Notice> = AtomicPtr::new(ptr::from_ref(&KEPT).cast_mut());

#[inline]
fn notice() -> &'static Notice {
    // SAFETY: it points at a notice, of zeros perhaps, that is never given back.
    unsafe { &*NOTICE.load(Ordering::Acquire) }
}

impl Notice {
    fn set_calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::Relaxed);
        self.own.store(true, Ordering::Relaxed);
    }
}

/// Whether this is a child in which something may be torn.
static TORN: AtomicBool = AtomicBool::new(false);

crate::__thread_local! {
    /// How many forks without a hold the calling thread is in the midst of. (It has no destructor.)
    static UNHELD: Cell<usize> = const { Cell::new(0) };
}

/// A family, made now if this is its first use.
#[inline]
pub(crate) fn family(
    set: &'static SetTable,
    index: usize,
) -> Result<&'static FamilyTable, AllocError> {
    attend();
    match set.used(index) {
        Some(family) => Ok(family),
        None => {
            register();
            set.family(index)
        }
    }
}

/// A family, if it was ever used: where it is not going to be allocated from.
#[inline]
pub(crate) fn used(set: &'static SetTable, index: usize) -> Option<&'static FamilyTable> {
    attend();
    set.used(index)
}

/// Sees to it that forks are noticed, before anything is used.
pub(super) fn expect_forks() {
    attend();
    register();
}

/// Registers the handlers, before there is a lock that somebody could hold.
///
/// When this returns, there is a notice that is wiped at a fork, even where another thread is still about to
/// register the handlers. A thread that knows nothing of this may fork at once, and its child inherits the
/// locks that are held by then.
#[cold]
fn register() {
    if ptr::eq(notice(), &KEPT) {
        have_a_notice_wiped();
    }
    // First the mark: registering may allocate, and so come here again.
    let (free, taken) = (UNREGISTERED, REGISTERING);
    if HANDLERS.compare_exchange(free, taken, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return;
    }
    // For want of memory they may not be: the next family's first use tries again.
    let done = if os::at_fork(prepare, parent, child) { REGISTERED } else { UNREGISTERED };
    HANDLERS.store(done, Ordering::Relaxed);
}

/// Puts the notice on a page that the system wipes in every child, where it can.
fn have_a_notice_wiped() {
    let Some(page) = os::page_wiped_at_fork() else { return };
    let page = page.cast::<Notice>();
    // SAFETY: a page for it, of zeros, which are a notice; nobody else knows it.
    unsafe { page.as_ref() }.set_calm(true);
    let kept = ptr::from_ref(&KEPT).cast_mut();
    let (done, lost) = (Ordering::Release, Ordering::Relaxed);
    // Another thread may have been faster, or a signal handler: theirs it is.
    if NOTICE.compare_exchange(kept, page.as_ptr(), done, lost).is_err() {
        // SAFETY: made above, and nobody else knows it.
        unsafe { os::unmap_wiped_at_fork(page.cast()) };
    }
}

unsafe extern "C" fn prepare() {
    let unheld = UNHELD.get();
    if unheld > 0 || !may_hold() {
        UNHELD.set(unheld + 1);
        return;
    }
    DEPTH.store(DEPTH.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// Has the calling thread hold all locks, if it does not already; returns whether that can be.
fn may_hold() -> bool {
    if is_forking() {
        // A guest may be at work, but not this thread itself.
        return !guests::is_passing() && !exit::is_busy();
    }
    if exit::is_busy() || fork_locks::is_any_mine() || !wait_for_turn() {
        return false;
    }
    if !fork_locks::lock_all_for_fork(&mut Patience::new(PATIENCE)) {
        // SAFETY: taken just now.
        unsafe { ONE_AT_A_TIME.unlock() };
        return false;
    }
    PROCESS.store(os::process(), Ordering::Relaxed);
    // SAFETY: all locks were taken by this thread, just now.
    unsafe { guests::begin_fork() };
    notice().set_calm(false);
    true
}

/// Waits until no other thread forks, but not for long where that one sleeps: it may wait for this one.
fn wait_for_turn() -> bool {
    let mut waiter = Waiter::default();
    for _ in 0..PATIENCE_WITH_FORK {
        loop {
            if ONE_AT_A_TIME.lock_for_fork(&mut Patience::new(1)) {
                return true;
            }
            // Otherwise it does not count.
            if waiter.sees_fork_asleep(true) {
                break;
            }
        }
    }
    false
}

/// Whether a fork without a hold ends now.
fn ends_unheld() -> bool {
    let unheld = UNHELD.get();
    UNHELD.set(unheld.saturating_sub(1));
    unheld > 0
}

unsafe extern "C" fn parent() {
    // Not where the first allocation was in a handler of this very fork.
    if !ends_unheld() && is_forking() {
        end();
    }
}

unsafe extern "C" fn child() {
    background::forget();
    // It may have been wiped. Where this began in a handler before this one, it has seen to that.
    notice().set_calm(!is_forking() && !TORN.load(Ordering::Relaxed));
    if ends_unheld() {
        be_torn();
    } else if is_forking() {
        if guests::has_guest() {
            start_over();
        } else {
            tidy();
            end();
        }
    }
}

/// Has the calling thread look, out of line, whether something is torn.
fn be_torn() {
    exit::hide_caches();
    TORN.store(true, Ordering::Relaxed);
    notice().set_calm(false);
}

/// Lets everything go, unless this was a fork within another.
fn end() {
    let depth = DEPTH.load(Ordering::Relaxed) - 1;
    DEPTH.store(depth, Ordering::Relaxed);
    if depth == 0 {
        notice().set_calm(!TORN.load(Ordering::Relaxed));
        // SAFETY: taken in `prepare`, by this thread or the one it is a copy of; there is no guest.
        unsafe { guests::end_fork(|| fork_locks::unlock_all()) };
        // SAFETY: as above.
        unsafe { ONE_AT_A_TIME.unlock() };
    }
}

/// Sees to it that the tables can be used: called before they are, and before their locks are waited for,
/// wherever that is out of line. The caller holds no lock.
#[inline]
pub(crate) fn attend() {
    if !notice().calm.load(Ordering::Relaxed) {
        attend_now();
    }
}

#[cold]
fn attend_now() {
    if !notice().own.load(Ordering::Relaxed) && !is_forking() {
        // A child that nobody was told of.
        background::forget();
        if HANDLERS.load(Ordering::Relaxed) == REGISTERING {
            HANDLERS.store(UNREGISTERED, Ordering::Relaxed);
        }
        be_torn();
    }
    if TORN.load(Ordering::Relaxed) {
        if exit::is_busy() || ONE_AT_A_TIME.is_held() || fork_locks::is_any_held() {
            start_over();
        } else {
            // What was interrupted has come to its end, or nothing was.
            TORN.store(false, Ordering::Relaxed);
            notice().set_calm(true);
            tidy();
            exit::show_caches();
        }
    } else if is_forking()
        && guests::has_guest()
        && os::process() != PROCESS.load(Ordering::Relaxed)
    {
        // A child already, in a handler that was called before ours.
        start_over();
    }
}

/// Gives up all that was inherited.
#[cold]
fn start_over() {
    exit::forget_caches();
    // SAFETY: only in a child with one thread, which has no caches now. What it interrupted goes on with what
    // has been given up, if ever.
    unsafe { fork_locks::start_over() };
    guests::forget_fork();
    DEPTH.store(0, Ordering::Relaxed);
    TORN.store(false, Ordering::Relaxed);
    notice().set_calm(true);
    // SAFETY: it guards nothing.
    unsafe { ONE_AT_A_TIME.reset() };
}

/// Forgets the threads that are no more.
fn tidy() {
    exit::begin_again();
    for family in SetTable::all().flat_map(SetTable::all_used) {
        if exit::close_caches_of_others(family) > 0 {
            family.note_orphans();
        }
        for lane in family.all_lanes() {
            let users = exit::caches_with_lane(family, lane);
            // A page that is written is a page that is copied.
            if lane.users.load(Ordering::Relaxed) != users {
                lane.users.store(users, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)] // of forks, which Windows has not got
mod tests {

    use super::*;
    use crate::space::registry;
    use crate::thread::{CacheSlot, CacheSlots};
    use core::ptr::NonNull;
    use famalloc::FamilySet;

    #[famalloc::alloc_family]
    enum Lives {
        Any,
    }

    fn cache_slot() -> &'static CacheSlot {
        // SAFETY: the thread's own, which this does not outlive; there is such a family.
        unsafe { CacheSlots::cache_slot_of(Lives::cache_slots(), 0) }
    }

    fn allocate() {
        // More than a magazine holds.
        let slots: Vec<_> =
            (0..500).map(|_| famalloc::alloc_in::<lives::Any>(48).unwrap()).collect();
        for slot in slots {
            // SAFETY: allocated above with this size.
            unsafe { famalloc::free_in::<lives::Any>(slot, 48) };
        }
    }

    /// Forks and has the child end with the number that `child` returns, which comes back.
    fn forked(child: impl FnOnce() -> i32) -> i32 {
        // SAFETY: what the child does is what is tested.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: no handler is set: the signal ends the child.
            unsafe { libc::alarm(60) };
            // SAFETY: has no preconditions.
            unsafe { libc::_exit(child()) };
        }
        let mut status = -1;
        // SAFETY: `status` is valid for writes.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert!(libc::WIFEXITED(status), "{status}");
        libc::WEXITSTATUS(status)
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter knows no such page")]
    fn who_need_not_register_has_a_notice_that_is_wiped_all_the_same() {
        let _alone = guests::alone();
        register();
        let own = NOTICE.swap(ptr::from_ref(&KEPT).cast_mut(), Ordering::Relaxed);
        assert!(!ptr::eq(own, &KEPT));
        // As between the other thread's mark and its end.
        let before = HANDLERS.swap(REGISTERING, Ordering::Relaxed);
        register();
        let now = notice();
        HANDLERS.store(before, Ordering::Relaxed);
        NOTICE.store(own, Ordering::Relaxed);
        assert!(!ptr::eq(now, &KEPT), "a child of now would not look");
        assert!(now.calm.load(Ordering::Relaxed));
        // SAFETY: nobody else has used it.
        unsafe { os::unmap_wiped_at_fork(NonNull::from(now).cast()) };
    }

    /// Whether the child has no caches in its reach, starts over at its first allocation, and has caches then.
    fn starts_over() -> i32 {
        let hidden = cache_slot().cache().is_empty_cache();
        allocate();
        i32::from(hidden && registry::has_started_over() && !cache_slot().cache().is_empty_cache())
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter cannot fork")]
    fn a_cache_in_the_midst_of_a_change_is_not_used_in_a_child() {
        let _alone = guests::alone();
        allocate();
        assert_eq!(forked(starts_over), 0, "nothing was in the midst of anything");
        let busy = cache_slot().cache().begin();
        assert_eq!(forked(starts_over), 1);
        // In the child of a child as well.
        assert_eq!(forked(|| forked(starts_over)), 1);
        // Nothing is lost where that comes to its end.
        let cache = std::ptr::from_ref(cache_slot().cache());
        let mut busy = Some(busy);
        let comes_back = || {
            drop(busy.take());
            let hidden = cache_slot().cache().is_empty_cache();
            allocate();
            i32::from(
                hidden
                    && !registry::has_started_over()
                    && std::ptr::eq(cache, cache_slot().cache()),
            )
        };
        assert_eq!(forked(comes_back), 1);
        drop(busy);
        assert_eq!(forked(starts_over), 0);
        assert!(std::ptr::eq(cache, cache_slot().cache()), "the parent was changed");
        allocate();
        famalloc::check().unwrap();
    }
}
