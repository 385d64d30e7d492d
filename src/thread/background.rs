//! A thread of the allocator's own, for programs whose threads all sleep: it goes [round](decay::round)
//! where they would, and gives back what they have left. There is one only if somebody asks for it.
//!
//! It has no magazines, allocates nothing, and takes no lock that another thread holds for long. Its signals
//! are blocked. When nothing has happened for two rounds it falls asleep until somebody's slow path
//! wakes it, or for a minute. When no thread has magazines any more it ends: a process lives as long as any
//! thread does, and this one shall not be the last. A child of a fork has none, until it asks again.

use core::ffi::c_void;
use core::ptr;

use crate::os;
use crate::space::Space;
use crate::sync::{AtomicU32, Ordering};
use crate::table::SetTable;

use super::{decay, exit};

/// There is no such thread, ...
const NONE: u32 = 0;
/// ... it goes its rounds, ...
const AWAKE: u32 = 1;
/// ... or it sleeps until it is woken.
const ASLEEP: u32 = 2;

/// What it does now.
static STATE: AtomicU32 = AtomicU32::new(NONE);

/// How many milliseconds lie between its rounds; 0 where there shall be none.
static PERIOD: AtomicU32 = AtomicU32::new(0);

/// After so many rounds in which nothing happened it falls asleep: what was released in the last one before
/// is due to be given back by then.
const QUIET_ROUNDS: u32 = 2;
/// How many milliseconds it sleeps where nobody wakes it: threads may have ended unnoticed.
const LONGEST_SLEEP: u64 = 60_000;

/// Starts the thread, unless there is one, with so many milliseconds between its rounds; returns whether
/// there is one now. May allocate, and so must not be called by what an allocation calls.
pub(crate) fn start(milliseconds: u32) -> bool {
    PERIOD.store(milliseconds.max(1), Ordering::Relaxed);
    let free = STATE.compare_exchange(NONE, AWAKE, Ordering::AcqRel, Ordering::Relaxed);
    if free.is_err() {
        wake();
        return true;
    }
    let started = os::spawn_unnoticed(run);
    if !started {
        leave();
    }
    started
}

/// Ends the thread, and waits until it has.
pub(crate) fn stop() {
    PERIOD.store(0, Ordering::Relaxed);
    loop {
        wake();
        match STATE.load(Ordering::Acquire) {
            NONE => return,
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
    let slept = STATE.compare_exchange(ASLEEP, AWAKE, Ordering::Relaxed, Ordering::Relaxed);
    if slept.is_ok() {
        os::wake(&STATE);
    }
}

/// Notes that there is no such thread: not in the child of a fork.
pub(super) fn forget() {
    STATE.store(NONE, Ordering::Relaxed);
}

fn leave() {
    STATE.store(NONE, Ordering::Release);
    os::wake(&STATE);
}

extern "C" fn run(_: *mut c_void) -> *mut c_void {
    let mut quiet = 0;
    loop {
        let period = PERIOD.load(Ordering::Relaxed);
        os::wait_while(&PERIOD, period, period.into());
        if PERIOD.load(Ordering::Relaxed) == 0 {
            break;
        }
        quiet = if decay::round() { 0 } else { quiet + 1 };
        give_back(quiet);
        if quiet >= QUIET_ROUNDS {
            exit::close_all_of_dead();
            if !any_rows() {
                break;
            }
            fall_asleep();
        }
    }
    leave();
    ptr::null_mut()
}

/// Gives back the memory of extents that are empty: what is due, or, after some quiet, all.
fn give_back(quiet: u32) {
    for space in Space::all_in_use() {
        if quiet >= QUIET_ROUNDS {
            space.purge(usize::MAX);
        }
        space.purge_on_the_way();
    }
}

/// Whether any thread has magazines.
fn any_rows() -> bool {
    let mut families = SetTable::all().flat_map(SetTable::all_used);
    families.any(|family| family.rows.lock().iter().next().is_some())
}

fn fall_asleep() {
    if STATE.compare_exchange(AWAKE, ASLEEP, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        os::wait_while(&STATE, ASLEEP, LONGEST_SLEEP);
        // Nobody has woken it, or somebody has.
        let _ = STATE.compare_exchange(ASLEEP, AWAKE, Ordering::Relaxed, Ordering::Relaxed);
    }
}
