//! A lock whose waiters sleep, and which a fork can hold.
//!
//! The lock is a word: free, held, or held and perhaps awaited (the second mutex of Drepper, "Futexes
//! Are Tricky", 2011). Taking it is one compare-and-exchange, letting it go one exchange; the system
//! is called when there is somebody to wait for or to wake. Who has to wait looks a few times more
//! first, as most locks here are held for less than it takes to fall asleep. It neither allocates nor
//! needs a destructor, uses no thread-local storage, and leaves `errno` alone, which the C library's
//! `free` has to.
//!
//! Not the standard library's lock, because of `fork`: the thread that forks takes all locks before
//! and lets them go after, in two functions that share no guard; in the child too, where nobody is
//! left who could wait. And what else this thread does in between, in fork handlers of the program's,
//! may allocate: it passes the locks that it holds for the fork.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::fmt;
use core::hint;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;

use super::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may be asleep until it is let go.
const AWAITED: u32 = 2;

/// How often a waiter looks again before it sleeps.
const LOOKS: u32 = 100;

/// The thread that forks and holds all locks; 0 for none.
static FORKING: AtomicUsize = AtomicUsize::new(0);

/// What the calling thread is called, in a child as in its parent. Not 0.
pub(crate) fn this_thread() -> usize {
    // SAFETY: it has no preconditions.
    unsafe { libc::pthread_self() as usize }
}

/// Whether the calling thread is about to fork, or has just forked, and holds all locks.
pub(crate) fn is_forking() -> bool {
    let forking = FORKING.load(Ordering::Relaxed);
    // Only this thread writes its name there.
    forking != 0 && forking == this_thread()
}

/// Lets the calling thread pass the locks that are held for a fork from now on, or no longer.
///
/// # Safety
///
/// It is this thread that holds them, all of them.
pub(crate) unsafe fn set_forking(forking: bool) {
    FORKING.store(if forking { this_thread() } else { 0 }, Ordering::Relaxed);
}

/// A lock around the state it guards.
///
/// A panic while it is held does not poison it: the allocator's own critical sections do not
/// panic, so the state is whole whenever the lock is free.
#[derive(Default)]
pub(crate) struct Lock<T> {
    word: Word,
    /// Whether it is held for a fork.
    for_fork: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one guard at a time: by that of the thread which took the lock, or,
// while it is held for a fork, by that of the thread that forks, and has no other. (That thread runs
// the same code as ever, which nowhere locks what it has locked.)
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> UnwindSafe for Lock<T> {}
impl<T> RefUnwindSafe for Lock<T> {}

/// The right to touch what a [`Lock`] guards.
pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// Whether the lock was taken, and not passed by the thread that held it.
    taken: bool,
}

// SAFETY: a shared guard gives shared access to the value and nothing else.
unsafe impl<T: Sync> Sync for Guard<'_, T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            word: Word(AtomicU32::new(FREE)),
            for_fork: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits for the lock.
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        let taken = self.word.take() || self.word.wait_or_pass(&self.for_fork);
        Guard { lock: self, taken }
    }

    /// Takes the lock if nobody else holds it.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let taken = self.word.take();
        if !taken && !may_pass(&self.for_fork) {
            return None;
        }
        Some(Guard { lock: self, taken })
    }

    /// Takes the lock until [`Self::let_go`], for a fork.
    pub(crate) fn hold(&self) {
        mem::forget(self.lock());
        self.for_fork.store(true, Ordering::Relaxed);
    }

    /// Ends what [`Self::hold`] began.
    ///
    /// # Safety
    ///
    /// The calling thread holds the lock by [`Self::hold`], or is the child of the thread that did, and
    /// has no guard of it.
    pub(crate) unsafe fn let_go(&self) {
        self.for_fork.store(false, Ordering::Relaxed);
        self.word.let_go();
    }
}

/// Whether the calling thread may pass a lock that it cannot take: it has it already.
#[cold]
fn may_pass(for_fork: &AtomicBool) -> bool {
    // Only the thread that forks takes any notice of the mark, which it wrote itself.
    is_forking() && for_fork.load(Ordering::Relaxed)
}

/// The word of a lock.
#[derive(Default)]
struct Word(AtomicU32);

impl Word {
    #[inline]
    fn take(&self) -> bool {
        self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn let_go(&self) {
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            self.wake_one();
        }
    }

    /// Waits for the lock and takes it, and returns `true`; or returns `false` at once where the
    /// calling thread holds it, since it forks.
    #[cold]
    #[inline(never)]
    fn wait_or_pass(&self, for_fork: &AtomicBool) -> bool {
        if may_pass(for_fork) {
            return false;
        }
        self.look();
        if self.take() {
            return true;
        }
        // From here on it is taken as awaited: who has slept does not know who else sleeps.
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            self.sleep();
            self.look();
        }
        true
    }

    /// Looks a few times whether the lock is let go, unless others have given up looking.
    fn look(&self) {
        for _ in 0..LOOKS {
            if self.0.load(Ordering::Relaxed) != HELD {
                break;
            }
            hint::spin_loop();
        }
    }

    /// Sleeps while the lock is held and awaited. May wake for no reason.
    fn sleep(&self) {
        self.futex(libc::FUTEX_WAIT, AWAITED);
    }

    #[cold]
    fn wake_one(&self) {
        self.futex(libc::FUTEX_WAKE, 1);
    }

    /// Calls the system about this word, and leaves `errno` as it was.
    fn futex(&self, operation: c_int, value: u32) {
        // SAFETY: this thread's own.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        let before = unsafe { errno.read() };
        // SAFETY: the word is valid, and a futex of this process alone; without a deadline.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.0.as_ptr(),
                operation | libc::FUTEX_PRIVATE_FLAG,
                value,
                ptr::null::<libc::timespec>(),
            )
        };
        // SAFETY: as above.
        unsafe { errno.write(before) };
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held by this thread, and its value reached through this guard until that goes.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken {
            self.lock.word.let_go();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lock = f.debug_struct("Lock");
        match self.try_lock() {
            Some(guard) => lock.field("value", &*guard),
            None => lock.field("value", &format_args!("<locked>")),
        };
        lock.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn is_held_by_one_at_a_time() {
        let lock = Lock::new(0_u32);
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        assert_eq!(format!("{lock:?} {guard:?}"), "Lock { value: <locked> } 0");
        drop(guard);
        assert_eq!(lock.try_lock().map(|guard| *guard), Some(0));
        assert_eq!(format!("{lock:?}"), "Lock { value: 0 }");
    }

    #[test]
    fn no_thread_overwrites_what_another_wrote() {
        static COUNTS: Lock<(u64, [u64; 8])> = Lock::new((0, [0; 8]));
        const EACH: u64 = 50_000;
        thread::scope(|scope| {
            for own in 0..8 {
                scope.spawn(move || {
                    for turn in 0..EACH {
                        let mut counts = COUNTS.lock();
                        let sum = counts.0;
                        counts.1[own] += 1;
                        // Not one instruction: who looks in between must be kept out.
                        hint::black_box(&mut counts);
                        if turn % 1000 == own as u64 {
                            // So long that the others fall asleep.
                            thread::sleep(Duration::from_micros(50));
                        }
                        counts.0 = sum + 1;
                    }
                });
            }
        });
        let counts = COUNTS.lock();
        assert_eq!((counts.0, counts.1), (8 * EACH, [EACH; 8]));
        assert_eq!(COUNTS.word.0.load(Ordering::Relaxed), HELD, "nobody is left who waits");
    }

    #[test]
    fn who_sleeps_is_woken() {
        let lock = Lock::new(());
        let guard = lock.lock();
        thread::scope(|scope| {
            let sleepers: Vec<_> = (0..3).map(|_| scope.spawn(|| drop(lock.lock()))).collect();
            while lock.word.0.load(Ordering::Relaxed) != AWAITED {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(20));
            assert!(sleepers.iter().all(|sleeper| !sleeper.is_finished()));
            drop(guard);
        });
        assert!(lock.try_lock().is_some());
    }

    #[test]
    fn errno_is_left_alone() {
        let lock = Lock::new(());
        // SAFETY: this thread's own.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        unsafe { errno.write(1234) };
        // The lock is free, so the system refuses to let anyone sleep.
        lock.word.sleep();
        lock.word.wake_one();
        // SAFETY: as above.
        assert_eq!(unsafe { errno.read() }, 1234);
    }

    #[test]
    fn the_thread_that_forks_passes_what_it_holds_and_nobody_else_does() {
        let (held, other) = (Lock::new(0), Lock::new(0));
        let elsewhere = |lock: &Lock<i32>| {
            thread::scope(|scope| scope.spawn(|| lock.try_lock().is_some()).join().unwrap())
        };
        held.hold();
        assert!(held.try_lock().is_none(), "it does not fork yet");
        // SAFETY: this thread holds the only lock in sight that is held for a fork.
        unsafe { set_forking(true) };
        assert!(is_forking());
        assert!(!thread::scope(|scope| scope.spawn(is_forking).join().unwrap()));
        *held.lock() += 1;
        *held.try_lock().unwrap() += 1;
        assert!(!elsewhere(&held), "a guard that was passed to let the lock go");
        let guard = other.lock();
        assert!(other.try_lock().is_none(), "it is not held for the fork");
        drop(guard);
        assert!(elsewhere(&other), "a lock that was taken was not let go");
        // SAFETY: as above.
        unsafe { set_forking(false) };
        assert!(held.try_lock().is_none());
        // SAFETY: held above, and there is no guard.
        unsafe { held.let_go() };
        assert_eq!(held.try_lock().map(|guard| *guard), Some(2));
        assert!(elsewhere(&held));
    }
}
