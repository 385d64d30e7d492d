//! Random executions of many threads.

#![allow(unused_imports, reason = "each protocol uses some of the checker's parts")]

use shuttle::scheduler::RandomScheduler;

pub(crate) mod sync {
    pub(crate) use shuttle::hint;
    pub(crate) use shuttle::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
    use shuttle::sync::{Condvar, Mutex};

    shuttle::lazy_static! {
        /// Whoever sleeps, sleeps here.
        static ref BED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    }

    /// Sleeps while the word is this, until somebody is woken.
    pub(crate) fn futex_wait(word: &AtomicU32, value: u32) {
        let awake = BED.0.lock().unwrap();
        if word.load(Ordering::SeqCst) == value {
            drop(BED.1.wait(awake).unwrap());
        }
    }

    pub(crate) fn futex_wake_one() {
        let _awake = BED.0.lock().unwrap();
        BED.1.notify_one();
    }
}

pub(crate) mod thread {
    pub(crate) use shuttle::thread::spawn;
}

pub(crate) mod cell {
    //! A cell that is busy for a while, and says when two threads are at it at once.

    use shuttle::sync::atomic::{AtomicUsize, Ordering};
    use shuttle::thread::yield_now;

    pub(crate) struct Cell<T> {
        value: core::cell::UnsafeCell<T>,
        /// How many read it; all bits while somebody writes.
        users: AtomicUsize,
    }

    // SAFETY: who finds somebody else at it ends the execution; and threads take turns.
    unsafe impl<T: Send> Sync for Cell<T> {}

    impl<T: Copy> Cell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self { value: core::cell::UnsafeCell::new(value), users: AtomicUsize::new(0) }
        }

        pub(crate) fn get(&self) -> T {
            let readers = self.users.fetch_add(1, Ordering::SeqCst);
            assert_ne!(readers, usize::MAX, "read while it is written");
            yield_now();
            // SAFETY: nobody writes it, which would be seen.
            let value = unsafe { *self.value.get() };
            self.users.fetch_sub(1, Ordering::SeqCst);
            value
        }

        pub(crate) fn replace(&self, new: T) -> T {
            let users = self.users.swap(usize::MAX, Ordering::SeqCst);
            assert_eq!(users, 0, "written while somebody is at it");
            yield_now();
            // SAFETY: nobody else is at it, which would be seen.
            let old = unsafe { self.value.get().replace(new) };
            self.users.store(0, Ordering::SeqCst);
            old
        }
    }
}

#[allow(unused, unreachable_pub, clippy::all, reason = "copies, of which each test uses a part")]
mod copies {
    use super::{cell, sync, thread};
    copies!();
}

/// Tries so many executions of each property, the same ones each time.
const EXECUTIONS: usize = 20_000;

fn check(properties: &[fn()]) {
    for &property in properties {
        let scheduler = RandomScheduler::new_from_seed(7, EXECUTIONS);
        shuttle::Runner::new(scheduler, shuttle::Config::new()).run(property);
    }
}

// What is wrong with the other mutants, only who sees old values can see.
tests! {
    counter {
        dead_come_back: "read after it was dropped",
        weak_ones_are_forgotten: "somebody is at it",
        slot_is_freed_too_soon: "freed while there is a handle",
    }
    mailbox {
        posted_over_another: "something is lost",
        taken_twice: "something is lost",
        counted_for_good: "left == right",
    }
    lock {
        nobody_is_woken: "deadlock",
        others_are_forgotten: "deadlock",
        two_have_it: "somebody is at it",
    }
}

/// More threads than can be tried in all their executions.
mod large {
    use super::check;
    use super::copies::{counter, lock, mailbox};

    #[test]
    fn locks() {
        check(lock::original::LARGE);
    }

    #[test]
    fn mailboxes() {
        check(mailbox::original::LARGE);
    }

    #[test]
    fn handles() {
        check(counter::original::LARGE);
    }
}
