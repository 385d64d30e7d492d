//! Life marks: what a thread leaves behind in spite of its exit hook is found, and nothing is lost for
//! good.
//!
//! A thread's exit hook gives its caches back, but the thread may go on after it: destructors of keys may run
//! later, or use the allocator for the first time when the hook cannot be called any more. And a thread may
//! end by a system call of its own. So a thread that gets caches gets a *life mark* too: a
//! [`Pulse`], which the kernel stops when the thread is gone, and the list of its caches.
//!
//! ```text
//! newest --> mark of D --> mark of C --> mark of B --> mark of A
//!            alive         dead          stopped       alive
//!                          caches          given back
//!                                ^ looked at next
//! ```
//!
//! Every thread that gets a mark looks at a few others in turn, and so does a family that grows; a
//! [`reclaim`](crate::reclaim) looks at all. A mark whose thread has stopped it is given back. One whose
//! thread is dead is taken off the list, and the thread that found it closes the caches: they are that thread's
//! alone, as a pulse is found dead once.
//!
//! **The list** is such that nobody ever waits for it, and a fork finds it whole at any time: marks are
//! put in front, and taken off by a single store. Only one thread at a time looks at the list and takes marks
//! off; others that want to look meanwhile do without. Each new mark looks at [`LOOKS`] others, so marks that are
//! of no more use are soon at most a third as many as there are living threads, or a few.
//!
//! **After a fork** the child has one thread, whose pulse is known by a name that it does not have any
//! more: it gets a new mark, and those of others are given back. Its old one stays for ever, since the
//! C library may still count it among what this thread holds.

use core::ptr::{self, NonNull};

use crate::os::{Beat, Pulse};
use crate::space::Space;
use crate::space::tables::Table;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering, this_thread};

use super::ThreadCache;

/// How many marks a thread looks at when it gets one of its own.
pub(super) const LOOKS: usize = 4;

/// The mark of a thread with caches.
// In this order, so that what is written over it once it is given back is a cell.
#[derive(Debug)]
#[repr(C)]
pub(super) struct LifeMark {
    pulse: Pulse,
    /// The thread's caches, newest first.
    pub(super) caches: AtomicPtr<ThreadCache>,
    /// The mark that was newest before this one.
    next: AtomicPtr<LifeMark>,
    space: &'static Space,
}

impl Table for LifeMark {
    const KIND: usize = 4;
}

/// The newest mark.
static NEWEST: AtomicPtr<LifeMark> = AtomicPtr::new(ptr::null_mut());

/// The thread that looks at marks; 0 for none. It alone takes any off the list, and moves [`BEFORE`].
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// The mark before the one to be looked at next, which is in the list; null before the newest.
static BEFORE: AtomicPtr<LifeMark> = AtomicPtr::new(ptr::null_mut());

/// Gives the calling thread a mark, with memory from `space`. None where the system has no such
/// pulses, or there is no memory.
pub(super) fn begin(space: &'static Space) -> Option<&'static LifeMark> {
    let raw = space.alloc_table::<LifeMark>().ok()?;
    // SAFETY: room for a mark, ours alone, which stays where it is.
    let started = unsafe { Pulse::start(pulse_of(raw)) };
    if !started {
        // SAFETY: from this space, and nobody has seen it.
        unsafe { space.free_table(raw) };
        return None;
    }
    // SAFETY: as above.
    unsafe { (&raw mut (*raw.as_ptr()).caches).write(AtomicPtr::new(ptr::null_mut())) };
    // SAFETY: as above.
    unsafe { (&raw mut (*raw.as_ptr()).next).write(AtomicPtr::new(ptr::null_mut())) };
    // SAFETY: as above.
    unsafe { (&raw mut (*raw.as_ptr()).space).write(space) };
    // SAFETY: initialised just now; only given back when it is off the list and its thread gone.
    let mark = unsafe { raw.as_ref() };
    let mut newest = NEWEST.load(Ordering::Relaxed);
    loop {
        mark.next.store(newest, Ordering::Relaxed);
        let put = NEWEST.compare_exchange_weak(
            newest,
            raw.as_ptr(),
            Ordering::Release,
            Ordering::Relaxed,
        );
        match put {
            Ok(_) => return Some(mark),
            Err(other) => newest = other,
        }
    }
}

fn pulse_of(mark: NonNull<LifeMark>) -> NonNull<Pulse> {
    // SAFETY: within the mark, which is valid.
    unsafe { mark.byte_add(core::mem::offset_of!(LifeMark, pulse)) }.cast()
}

/// Stops the calling thread's mark, which has no caches any more. The next thread that looks at it gives it back.
pub(super) fn end(mark: &'static LifeMark) {
    debug_assert!(mark.caches.load(Ordering::Relaxed).is_null());
    mark.pulse.stop();
}

/// How many looks it takes to see all marks. None where another thread looks just now.
pub(super) fn all() -> usize {
    let count = with_list(|list| list.all().count());
    // One at the end of the list.
    count.map_or(0, |count| count + 1)
}

/// Looks at up to `looks` marks and counts them off, until one is of a thread that is dead: that is taken
/// off the list and returned.
pub(super) fn next_dead(looks: &mut usize) -> Option<DeadThread> {
    if *looks == 0 {
        return None;
    }
    with_list(|list| {
        while *looks > 0 {
            *looks -= 1;
            let Some(mark) = list.current() else {
                // The end: the newest is next.
                list.start();
                continue;
            };
            match mark.pulse.feel() {
                Beat::Alive => list.skip(),
                Beat::Stopped => {
                    list.take_off(mark);
                    // SAFETY: off the list, and its thread has done with it.
                    unsafe { mark.give_back() };
                }
                Beat::Dead => {
                    list.take_off(mark);
                    return Some(DeadThread { mark });
                }
            }
        }
        None
    })
    .flatten()
}

/// A thread that is gone. Whoever has this closes its caches.
pub(super) struct DeadThread {
    mark: &'static LifeMark,
}

impl DeadThread {
    /// Its caches, as it left them.
    pub(super) fn caches(&self) -> *mut ThreadCache {
        self.mark.caches.load(Ordering::Relaxed)
    }
}

impl Drop for DeadThread {
    fn drop(&mut self) {
        // SAFETY: off the list, and its thread is gone.
        unsafe { self.mark.give_back() };
    }
}

impl LifeMark {
    /// # Safety
    ///
    /// It is off the list, and nobody refers to it: not its thread, nor the C library for that.
    unsafe fn give_back(&self) {
        // SAFETY: passed on.
        unsafe { self.space.free_table(NonNull::from(self)) };
    }
}

/// For the child of a fork: a new mark in the place of `own`, that of the thread which forked; no others.
pub(super) fn begin_again(own: Option<&'static LifeMark>) -> Option<&'static LifeMark> {
    let looking = LOOKING.load(Ordering::Relaxed);
    if looking != this_thread() {
        // Nobody looks any more. (Otherwise the fork has interrupted this thread, which will go on
        // looking where it was: the marks stay, of threads that nobody will find dead.)
        LOOKING.store(0, Ordering::Relaxed);
        BEFORE.store(ptr::null_mut(), Ordering::Relaxed);
        let mut next = NEWEST.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: marks in the list are valid.
        while let Some(mark) = unsafe { next.as_ref() } {
            next = mark.next.load(Ordering::Relaxed);
            if !own.is_some_and(|own| ptr::eq(own, mark)) {
                // SAFETY: off the list; its thread is not here, nor what the C library kept for it.
                unsafe { mark.give_back() };
            }
        }
    }
    let own = own?;
    let new = begin(own.space)?;
    new.caches.store(own.caches.load(Ordering::Relaxed), Ordering::Relaxed);
    Some(new)
}

/// For the child of a fork that starts over: there are no marks.
pub(super) fn start_over() {
    LOOKING.store(0, Ordering::Relaxed);
    BEFORE.store(ptr::null_mut(), Ordering::Relaxed);
    NEWEST.store(ptr::null_mut(), Ordering::Relaxed);
}

/// The right to go through the list and to take marks off it.
struct List(());

/// Goes through the list, unless another thread does.
fn with_list<T>(look: impl FnOnce(&mut List) -> T) -> Option<T> {
    LOOKING.compare_exchange(0, this_thread(), Ordering::Acquire, Ordering::Relaxed).ok()?;
    let result = look(&mut List(()));
    LOOKING.store(0, Ordering::Release);
    Some(result)
}

impl List {
    /// The mark before the one that is looked at.
    fn before(&self) -> Option<&'static LifeMark> {
        // SAFETY: null, or a mark in the list.
        unsafe { BEFORE.load(Ordering::Relaxed).as_ref() }
    }

    /// What points at the mark that is looked at.
    fn link(&self) -> &'static AtomicPtr<LifeMark> {
        self.before().map_or(&NEWEST, |before| &before.next)
    }

    /// The mark that is looked at; none behind the oldest.
    fn current(&self) -> Option<&'static LifeMark> {
        // SAFETY: marks in the list are valid, and nobody else takes any off it.
        unsafe { self.link().load(Ordering::Acquire).as_ref() }
    }

    /// Looks at the newest.
    fn start(&mut self) {
        BEFORE.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// Looks at the next.
    fn skip(&mut self) {
        if let Some(mark) = self.current() {
            BEFORE.store(ptr::from_ref(mark).cast_mut(), Ordering::Relaxed);
        }
    }

    /// Takes the mark off the list that is looked at, and looks at the next.
    fn take_off(&mut self, mark: &'static LifeMark) {
        let this = ptr::from_ref(mark).cast_mut();
        let next = mark.next.load(Ordering::Relaxed);
        let before = self.before().or_else(|| {
            let put = NEWEST.compare_exchange(this, next, Ordering::AcqRel, Ordering::Relaxed);
            // It is not the newest any more: then there is one before it.
            put.err().and_then(|_| {
                self.all().find(|newer| ptr::eq(newer.next.load(Ordering::Relaxed), this))
            })
        });
        if let Some(before) = before {
            before.next.store(next, Ordering::Release);
            BEFORE.store(ptr::from_ref(before).cast_mut(), Ordering::Relaxed);
        }
    }

    /// All marks, newest first.
    fn all(&self) -> impl Iterator<Item = &'static LifeMark> {
        let mut next = NEWEST.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: marks in the list are valid, and nobody else takes any off it.
            let mark = unsafe { next.as_ref() }?;
            next = mark.next.load(Ordering::Acquire);
            Some(mark)
        })
    }
}

#[cfg(test)]
#[cfg(unix)] // of forks, which Windows has not got
mod tests {

    use super::*;
    use crate::space::SYSTEM_SPACE;
    use std::thread;

    /// Another thread looks at the marks while this one forks: nobody does in the child.
    #[test]
    #[cfg_attr(miri, ignore = "an interpreter cannot fork")]
    fn a_child_looks_where_its_parent_did_not() {
        #[famalloc::alloc_family]
        enum Lives {
            Any,
        }
        let _alone = crate::sync::guests::alone();
        let (made, wait) = std::sync::mpsc::channel();
        let (go_on, gate) = std::sync::mpsc::channel::<()>();
        let looker = thread::spawn(move || {
            let look = |_: &mut List| {
                made.send(()).unwrap();
                gate.recv().unwrap();
            };
            // Other tests look, too.
            while with_list(look).is_none() {
                thread::yield_now();
            }
        });
        wait.recv().unwrap();
        assert!(all() == 0 && with_list(|_| ()).is_none());
        // So the handlers are registered, and this thread has a mark.
        drop(famalloc::FamilyBox::<u8, _>::new_in(1, lives::Any));
        // SAFETY: the child uses what a child may use.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // This thread's mark, and the end.
            let well = all() == 2 && begin(SYSTEM_SPACE.get().unwrap()).is_some() && all() == 3;
            // SAFETY: it has no preconditions.
            unsafe { libc::_exit(i32::from(!well)) };
        }
        let mut status = -1;
        // SAFETY: valid for writes.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        go_on.send(()).unwrap();
        looker.join().unwrap();
        assert_eq!(status, 0);
    }
}
