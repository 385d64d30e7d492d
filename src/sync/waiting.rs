//! A lock whose waiters sleep, and which a fork can hold.
//!
//! What it is made of is the [`word`](super::word). It neither allocates nor needs a destructor, uses no
//! thread-local storage, and leaves `errno` alone, which the C library's `free` has to.
//!
//! Not the standard library's lock, because of `fork`: the thread that forks takes all locks before
//! and lets them go after, in two functions that share no guard; in the child too, where nobody is
//! left who could wait. What else this thread does in between, in fork handlers of the program's,
//! may allocate: it passes the locks that it holds for the fork. So do those that it may have to wait
//! for, its [`guests`](super::guests). And who forks in a signal handler can tell which locks it
//! interrupted.

use core::cell::UnsafeCell;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::guests::{self, Waiter};
use super::word::Word;
use super::{AtomicBool, Ordering};

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
// while it is held for a fork, by that of the thread which has the guests' lock (G1), and has no other.
// (That thread runs the same code as ever, which nowhere locks what it has locked.)
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> UnwindSafe for Lock<T> {}
impl<T> RefUnwindSafe for Lock<T> {}

/// The right to touch what a [`Lock`] guards.
pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// Whether the lock was taken, and not passed.
    taken: bool,
}

// SAFETY: a shared guard gives shared access to the value and nothing else.
unsafe impl<T: Sync> Sync for Guard<'_, T> {}

/// How often a thread that forks lets itself be kept waiting.
#[derive(Debug)]
pub(crate) struct Patience(u32);

impl Patience {
    /// For about so many times two milliseconds.
    pub(crate) const fn new(sleeps: u32) -> Self {
        Self(sleeps)
    }

    /// Notes another wait; returns whether there were too many.
    fn is_over(&mut self, overslept: bool) -> bool {
        self.0 = self.0.saturating_sub(overslept.into());
        self.0 == 0
    }
}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { word: Word::new(), for_fork: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock.
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        let taken = self.word.take() || self.wait_or_pass();
        Guard { lock: self, taken }
    }

    /// Takes the lock if nobody else holds it.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let taken = self.word.take();
        if !taken && !self.passes() {
            return None;
        }
        Some(Guard { lock: self, taken })
    }

    /// Takes the lock until [`Self::unlock`], for a fork; returns whether it could before its patience was
    /// over.
    pub(crate) fn lock_for_fork(&self, patience: &mut Patience) -> bool {
        let taken = self.word.take() || self.word.wait(|overslept| patience.is_over(overslept));
        if taken {
            self.for_fork.store(true, Ordering::Relaxed);
        }
        taken
    }

    /// Of a lock that nobody else knows yet, or that is held already: holds it too, if all others are held
    /// for a fork ([`guests`], G3).
    pub(crate) fn lock_newborn(&self) {
        if guests::is_born_held() && self.word.take() {
            self.for_fork.store(true, Ordering::Relaxed);
        }
    }

    /// Ends what [`Self::lock_for_fork`] began, if it is held for a fork.
    ///
    /// # Safety
    ///
    /// The calling thread is the one that takes locks for a fork, or the child of the thread that did, and
    /// nobody has a guard of it.
    pub(crate) unsafe fn unlock(&self) {
        if self.for_fork.load(Ordering::Relaxed) {
            self.for_fork.store(false, Ordering::Relaxed);
            self.word.unlock();
        }
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.word.is_held()
    }

    /// Whether the calling thread holds it, or one that has the same name.
    pub(crate) fn is_mine(&self) -> bool {
        self.word.is_mine()
    }

    /// Makes it free, whoever holds it.
    ///
    /// # Safety
    ///
    /// Nobody touches what it guards by a guard of before any more, or what that does is no matter.
    pub(crate) unsafe fn reset(&self) {
        self.for_fork.store(false, Ordering::Relaxed);
        self.word.reset();
    }

    /// Waits for the lock and takes it, and returns `true`; or returns `false` where it is held for a fork and
    /// the calling thread may pass it.
    #[cold]
    #[inline(never)]
    fn wait_or_pass(&self) -> bool {
        if self.passes() {
            return false;
        }
        let mut waiter = Waiter::default();
        self.word.wait(|overslept| waiter.becomes_guest(&self.for_fork, overslept))
    }

    /// Passes a lock that the calling thread cannot take, if it may.
    #[cold]
    fn passes(&self) -> bool {
        let may_pass = guests::may_pass(&self.for_fork);
        if may_pass {
            guests::enter();
        }
        may_pass
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
            self.lock.word.unlock();
        } else {
            guests::leave();
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
    use core::hint;
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
        const EACH: u64 = if cfg!(miri) { 50 } else { 50_000 };
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
        assert!(COUNTS.is_mine());
    }

    #[test]
    fn who_sleeps_is_woken() {
        let lock = Lock::new(());
        let guard = lock.lock();
        thread::scope(|scope| {
            let sleepers: Vec<_> = (0..3).map(|_| scope.spawn(|| drop(lock.lock()))).collect();
            thread::sleep(Duration::from_millis(20));
            assert!(sleepers.iter().all(|sleeper| !sleeper.is_finished()));
            drop(guard);
        });
        assert!(lock.try_lock().is_some());
    }

    #[test]
    fn who_holds_a_lock_for_long_is_not_waited_for() {
        let lock = Lock::new(());
        let guard = lock.lock();
        thread::scope(|scope| {
            assert!(!scope.spawn(|| lock.lock_for_fork(&mut Patience::new(2))).join().unwrap());
            let waits = scope.spawn(|| lock.lock_for_fork(&mut Patience::new(u32::MAX)));
            thread::sleep(Duration::from_millis(5));
            drop(guard);
            assert!(waits.join().unwrap());
        });
        assert!(lock.try_lock().is_none());
        // SAFETY: as if this were that thread's child.
        unsafe { lock.unlock() };
        assert!(lock.try_lock().is_some());
        let guard = lock.lock();
        // SAFETY: it is not held for a fork, so this does nothing.
        unsafe { lock.unlock() };
        assert!(lock.is_mine());
        drop(guard);
    }

    fn lock_for_fork<T>(lock: &Lock<T>) {
        assert!(lock.lock_for_fork(&mut Patience::new(1)));
    }

    #[test]
    fn the_thread_that_forks_passes_what_it_holds_and_nobody_else_does() {
        let _alone = guests::alone();
        let (held, other) = (Lock::new(0), Lock::new(0));
        let elsewhere = |lock: &Lock<i32>| {
            thread::scope(|scope| scope.spawn(|| lock.try_lock().is_some()).join().unwrap())
        };
        lock_for_fork(&held);
        assert!(held.try_lock().is_none(), "it does not fork yet");
        // SAFETY: this thread holds the only lock in sight that is held for a fork.
        unsafe { guests::begin_fork() };
        assert!(guests::is_forking());
        assert!(!thread::scope(|scope| scope.spawn(guests::is_forking).join().unwrap()));
        *held.lock() += 1;
        *held.try_lock().unwrap() += 1;
        assert!(!elsewhere(&held), "a guard that was passed to let the lock go");
        let guard = other.lock();
        assert!(other.try_lock().is_none(), "it is not held for the fork");
        drop(guard);
        assert!(elsewhere(&other), "a lock that was taken was not let go");
        // SAFETY: held above, and there is no guard.
        unsafe { guests::end_fork(|| held.unlock()) };
        assert!(!guests::is_forking());
        assert_eq!(held.try_lock().map(|guard| *guard), Some(2));
        assert!(elsewhere(&held));
    }

    #[test]
    fn who_waits_for_a_fork_that_sleeps_passes() {
        let _alone = guests::alone();
        static LOCKS: [Lock<u32>; 2] = [Lock::new(0), Lock::new(0)];
        const THREADS: u32 = 4;
        const EACH: u32 = if cfg!(miri) { 5 } else { 200 };
        LOCKS.iter().for_each(lock_for_fork);
        // SAFETY: this thread holds all the locks in sight.
        unsafe { guests::begin_fork() };
        let add = || {
            for _ in 0..EACH {
                let mut outer = LOCKS[0].lock();
                let mut inner = LOCKS[1].lock();
                assert_eq!(*outer, *inner);
                assert!(guests::is_born_held(), "what comes into being now is not held");
                *outer += 1;
                hint::black_box(&mut outer);
                *inner += 1;
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(add)).collect();
            // It may not sleep for ever: what it waits for may be those who wait for it.
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        assert!(!guests::is_somebody_passing());
        assert!(!thread::scope(|scope| scope.spawn(guests::is_born_held).join().unwrap()));
        assert_eq!(*LOCKS[0].lock(), THREADS * EACH);
        // While it is about, nobody gets in.
        thread::scope(|scope| {
            let waits = scope.spawn(|| *LOCKS[1].lock());
            for _ in 0..if cfg!(miri) { 1_000 } else { 2_000_000 } {
                hint::black_box(waits.is_finished());
            }
            // SAFETY: held above, and this thread has no guard.
            unsafe { guests::end_fork(|| LOCKS.iter().for_each(|lock| lock.unlock())) };
            assert_eq!(waits.join().unwrap(), THREADS * EACH);
        });
        assert!(LOCKS.iter().all(|lock| !lock.is_held()));
    }
}
