//! A lock for where there is no system to wait in: it spins.
//!
//! Test, and only then test-and-set (Rudolph and Segall, "Dynamic Decentralized Cache Schemes for
//! MIMD Parallel Processors", ISCA 1984): who waits reads a shared copy of the flag, so that waiting
//! costs the holder no traffic, and writes when the lock has been seen to be free.
//!
//! It knows nothing of fairness, priorities or interrupts. An interrupt handler that waits for a lock
//! which the code it interrupted holds waits for ever.

use core::cell::UnsafeCell;
use core::fmt;
use core::hint;
use core::ops::{Deref, DerefMut};

use super::{AtomicBool, Ordering};

/// A lock around the state it guards.
#[derive(Default)]
pub(crate) struct Lock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one guard at a time, whichever thread has it.
unsafe impl<T: Send> Sync for Lock<T> {}

/// The right to touch what a [`Lock`] guards.
pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

// SAFETY: a shared guard gives shared access to the value and nothing else. (It is `Send` where the
// lock is `Sync`, as nothing ties a lock to the thread that took it.)
unsafe impl<T: Sync> Sync for Guard<'_, T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            while self.held.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
        }
    }

    /// Takes the lock if nobody holds it.
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        (!self.held.swap(true, Ordering::Acquire)).then(|| Guard { lock: self })
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held for as long as this guard is, so nobody writes.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held for as long as this guard is, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.lock.held.store(false, Ordering::Release);
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

    #[test]
    fn is_held_by_one_at_a_time() {
        let lock = Lock::new(0_u32);
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        assert_eq!(format!("{lock:?}"), "Lock { value: <locked> }");
        drop(guard);
        assert_eq!(lock.try_lock().map(|guard| *guard), Some(0));
        assert_eq!(format!("{lock:?}"), "Lock { value: 0 }");
    }

    #[test]
    fn no_thread_overwrites_what_another_wrote() {
        static COUNTS: Lock<(u64, [u64; 8])> = Lock::new((0, [0; 8]));
        const EACH: u64 = if cfg!(miri) { 50 } else { 100_000 };
        thread::scope(|scope| {
            for own in 0..4 {
                scope.spawn(move || {
                    for _ in 0..EACH {
                        let mut counts = COUNTS.lock();
                        let sum = counts.0;
                        counts.1[own] += 1;
                        // Not one instruction: who looks in between must be kept out.
                        hint::black_box(&mut counts);
                        counts.0 = sum + 1;
                    }
                });
            }
        });
        let counts = COUNTS.lock();
        assert_eq!((counts.0, counts.1.iter().sum()), (4 * EACH, 4 * EACH));
    }
}
