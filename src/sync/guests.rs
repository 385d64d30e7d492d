//! Who passes locks that are held for a fork: the thread that forks, and its guests.
//!
//! From the time a thread has taken all locks until it has forked it may have to wait for other threads,
//! in handlers of the program's, or in the C library, which takes locks of its own after ours. Those may
//! wait for memory just then, and so for the fork. Where the thread that forks sleeps, and somebody has
//! waited for it long enough, he becomes its *guest*: he does what he has to do although the lock is held,
//! and so does the thread that forks itself. All of them do under one lock, the guests'.
//!
//! - G1. A lock that is held for a fork is passed only with the guests' lock.
//! - G2. They are let go only with the guests' lock, by the thread that forks: so nobody is a guest then.
//! - G3. What comes into being while somebody passes is held for the fork, too.
//!
//! A child sees by the guests' lock whether one was in the midst of something: the system gives it the
//! memory page by page, but no thread of the parent gets on where its next write is to a page that the
//! child has already. So what a child sees of each thread is all that it did up to some moment.
//!
//! **Sleeps.** Nobody becomes a guest while the system copies pages, which can take long: until then the
//! thread that forks has used time on a processor. Its clock is read before a waiter sleeps and after; and
//! as long as it shows the same time, the next one need not wait again. A handler that looks again and
//! again whether others are done never sleeps for long: after a second everybody is let in.

use super::word::{Word, this_thread};
use super::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use crate::platform;

/// The thread that forks and holds all locks; 0 for none.
static FORKING: AtomicUsize = AtomicUsize::new(0);

/// The clock of the time that this thread has used; 0 for none.
static CLOCK: AtomicI32 = AtomicI32::new(0);

/// How often a waiter sleeps, at most, before it becomes a guest.
const MOST_SLEEPS: u32 = 500;

/// What is no time.
const ANY_TIME: u64 = u64::MAX;

/// While that clock shows this time, or whatever it shows, nobody need wait to become a guest.
static INVITED: AtomicU64 = AtomicU64::new(0);

/// Held by whoever passes locks.
static GUESTS: Word = Word::new();

/// How many locks the holder is passing. Touched by the holder alone.
static PASSED: AtomicUsize = AtomicUsize::new(0);

/// Whether the calling thread is about to fork, or has just forked, and holds all locks.
pub(crate) fn is_forking() -> bool {
    let forking = FORKING.load(Ordering::Relaxed);
    // Only this thread writes its name there.
    forking != 0 && forking == this_thread()
}

/// Lets the calling thread pass the locks that are held for a fork from now on.
///
/// # Safety
///
/// It is this thread that holds them, all of them.
pub(crate) unsafe fn begin_fork() {
    let clock = platform::thread_clock();
    INVITED.store(0, Ordering::Relaxed);
    FORKING.store(this_thread(), Ordering::Relaxed);
    CLOCK.store(clock, Ordering::Release);
}

/// Ends what [`begin_fork`] began: has `unlock` let all locks go, when no guest is there.
///
/// # Safety
///
/// As for [`begin_fork`]; and in a child no guest [was there](has_guest).
pub(crate) unsafe fn end_fork(unlock: impl FnOnce()) {
    enter();
    CLOCK.store(0, Ordering::Relaxed);
    FORKING.store(0, Ordering::Relaxed);
    unlock();
    leave();
}

/// Whether somebody else passes locks.
pub(crate) fn has_guest() -> bool {
    GUESTS.is_held() && !GUESTS.is_mine()
}

/// Whether anybody passes locks.
#[cfg(test)]
pub(super) fn is_somebody_passing() -> bool {
    GUESTS.is_held()
}

/// Whether the calling thread is passing locks right now.
pub(crate) fn is_passing() -> bool {
    GUESTS.is_mine()
}

/// Forgets a fork, in a child that starts over.
pub(crate) fn forget_fork() {
    CLOCK.store(0, Ordering::Relaxed);
    FORKING.store(0, Ordering::Relaxed);
    PASSED.store(0, Ordering::Relaxed);
    GUESTS.reset();
}

/// Whether what comes into being now has to be held for a fork (G3).
pub(crate) fn is_born_held() -> bool {
    is_forking() || is_passing()
}

/// Whether the calling thread may pass a lock that it cannot take, now and without waiting for others.
pub(super) fn may_pass(for_fork: &AtomicBool) -> bool {
    for_fork.load(Ordering::Relaxed) && (is_forking() || is_passing())
}

/// Begins to pass a lock.
pub(super) fn enter() {
    if !GUESTS.is_mine() && !GUESTS.take() {
        GUESTS.wait(|_| false);
    }
    PASSED.store(PASSED.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// Has passed a lock.
pub(super) fn leave() {
    let passed = PASSED.load(Ordering::Relaxed) - 1;
    PASSED.store(passed, Ordering::Relaxed);
    if passed == 0 {
        GUESTS.unlock();
    }
}

/// What a waiter knows of the fork that it waits for.
#[derive(Default)]
pub(crate) struct Waiter {
    seen: Option<u64>,
    sleeps: u32,
}

impl Waiter {
    /// Whether the thread that forks sleeps, or has been waited for long enough. To be asked again after each
    /// sleep.
    pub(crate) fn sees_fork_asleep(&mut self, overslept: bool) -> bool {
        self.sleeps += u32::from(overslept);
        let before = self.seen;
        self.seen = forking_time();
        let Some(now) = self.seen else { return false };
        let invited = INVITED.load(Ordering::Relaxed);
        if invited == now || invited == ANY_TIME {
            return true;
        }
        let time = match before {
            _ if self.sleeps > MOST_SLEEPS => ANY_TIME,
            Some(before) if overslept && before == now => now,
            _ => return false,
        };
        INVITED.store(time, Ordering::Relaxed);
        true
    }

    /// Makes the calling thread a guest and has it pass a lock that is held for a fork, if the thread that
    /// forks sleeps.
    pub(super) fn becomes_guest(&mut self, for_fork: &AtomicBool, overslept: bool) -> bool {
        if !for_fork.load(Ordering::Relaxed) {
            *self = Self::default();
            return false;
        }
        if !self.sees_fork_asleep(overslept) {
            return false;
        }
        enter();
        // Once all locks are held they stay so while the guests' lock is (G2). Those that a thread is about to
        // hold may be let go again.
        if CLOCK.load(Ordering::Acquire) != 0 && for_fork.load(Ordering::Relaxed) {
            return true;
        }
        leave();
        false
    }
}

/// How long the thread that forks has run, not 0; `None` where none does.
fn forking_time() -> Option<u64> {
    let clock = CLOCK.load(Ordering::Acquire);
    if clock == 0 {
        return None;
    }
    // Not 0.
    Some(platform::time_of(clock) + 1)
}

/// Has the calling test be the only one in this process in which something forks, or seems to.
#[cfg(test)]
pub(crate) fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
