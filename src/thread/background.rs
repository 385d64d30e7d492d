//! A thread of the allocator's own, for programs whose threads all sleep: it goes [round](decay::round)
//! where they would, and gives back what they have left. There is one only if somebody asks for it.
//!
//! It has no magazines, allocates nothing, and takes no lock that another thread holds for long. Its signals
//! are blocked. When nothing has happened for two rounds it falls asleep until somebody's slow path
//! wakes it, or for a minute. When no thread has magazines any more it ends: a process lives as long as any
//! thread does, and this one shall not be the last. A child of a fork has none, until it asks again.
//!
//! **Nobody is missed.** The thread says that it sleeps before it looks around, not after. Three things may
//! happen behind its back meanwhile: another thread does something under a lock that this one has passed
//! already; makes the first magazines after this one saw none; or starts this one after it saw that it was
//! stopped. In each case the other finds it asleep and wakes it. Then it neither sleeps nor ends, but goes
//! another round. (What is not under a lock may be missed: then a minute is the bound.)

use core::ffi::c_void;
use core::ptr;

use crate::options;
use crate::os;
use crate::space::Space;
use crate::sync::{AtomicU32, Ordering};
use crate::table::SetTable;

use super::{decay, exit, fork};

/// There is no such thread, ...
const NONE: u32 = 0;
/// ... it is up for another round, ...
const AWAKE: u32 = 1;
/// ... or it sleeps until it is woken, or looks whether it may.
const ASLEEP: u32 = 2;

/// What it does now.
static STATE: AtomicU32 = AtomicU32::new(NONE);

/// How many milliseconds lie between its rounds; 0 where there shall be none.
static PERIOD: AtomicU32 = AtomicU32::new(0);

/// How many milliseconds it sleeps where nobody wakes it: threads may have ended unnoticed.
const LONGEST_SLEEP: u64 = 60_000;

/// Starts the thread, unless there is one, with so many milliseconds between its rounds; returns whether
/// there is one now. May allocate, and so must not be called by what an allocation calls.
pub(crate) fn start(milliseconds: u32) -> bool {
    // A child's is not its parent's, whatever either has used.
    fork::expect_forks();
    PERIOD.store(milliseconds.max(1), Ordering::Relaxed);
    match STATE.swap(AWAKE, Ordering::AcqRel) {
        NONE => {
            let started = os::spawn_unnoticed(run);
            if !started {
                STATE.store(NONE, Ordering::Release);
                os::wake(&STATE);
            }
            return started;
        }
        ASLEEP => os::wake(&STATE),
        _ => {}
    }
    true
}

/// Ends the thread, and waits until it has, unless somebody starts it again.
pub(crate) fn stop() {
    fork::attend();
    PERIOD.store(0, Ordering::Relaxed);
    loop {
        wake();
        match STATE.load(Ordering::Acquire) {
            NONE => return,
            _ if PERIOD.load(Ordering::Relaxed) != 0 => return,
            state => {
                os::wake(&PERIOD);
                // It may fall asleep at this very moment.
                os::wait_while(&STATE, state, 10);
            }
        }
    }
}

/// Wakes the thread if it sleeps: there is something to do.
#[inline]
pub(super) fn wake() {
    if STATE.load(Ordering::Relaxed) == ASLEEP {
        wake_sleeper();
    }
}

#[cold]
fn wake_sleeper() {
    // It sees what it is woken for.
    let slept = STATE.compare_exchange(ASLEEP, AWAKE, Ordering::Release, Ordering::Relaxed);
    if slept.is_ok() {
        os::wake(&STATE);
    }
}

/// Notes that there is no such thread: not in the child of a fork.
pub(super) fn forget() {
    STATE.store(NONE, Ordering::Relaxed);
}

/// What it does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Round,
    Sleep,
    End,
}

extern "C" fn run(_: *mut c_void) -> *mut c_void {
    loop {
        let period = PERIOD.load(Ordering::Relaxed);
        os::wait_while(&PERIOD, period, period.into());
        STATE.swap(ASLEEP, Ordering::AcqRel);
        match look() {
            Next::Round => {}
            Next::Sleep => os::wait_while(&STATE, ASLEEP, LONGEST_SLEEP),
            Next::End if may_end() => return ptr::null_mut(),
            Next::End => {}
        }
        if STATE.swap(AWAKE, Ordering::AcqRel) == AWAKE {
            decay::expect_work();
        }
    }
}

/// Goes a round, unless the thread shall end.
fn look() -> Next {
    if PERIOD.load(Ordering::Relaxed) == 0 {
        return Next::End;
    }
    let quiet = !decay::round();
    give_back(quiet);
    if !quiet {
        return Next::Round;
    }
    // Otherwise threads that went without a word would count as users, and this one would never end.
    exit::close_all_of_dead();
    if any_caches() { Next::Sleep } else { Next::End }
}

/// Says that there is no such thread, unless it was woken since it looked.
fn may_end() -> bool {
    let ends = STATE.compare_exchange(ASLEEP, NONE, Ordering::AcqRel, Ordering::Relaxed).is_ok();
    if ends {
        os::wake(&STATE);
    }
    ends
}

/// Gives back the memory of extents that are empty: what is due, or, after some quiet, all.
fn give_back(quiet: bool) {
    for space in Space::all_in_use() {
        if quiet && options::purge_delay() != options::NEVER {
            space.purge(usize::MAX);
        }
        space.purge_on_the_way();
    }
}

/// Whether any thread has magazines.
fn any_caches() -> bool {
    let mut families = SetTable::all().flat_map(SetTable::all_used);
    families.any(|family| family.caches.lock().iter().next().is_some())
}
