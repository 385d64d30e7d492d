//! All executions of a few threads, weak memory included.

#![allow(unused_imports, reason = "each protocol uses some of the checker's parts")]

pub(crate) mod sync {
    pub(crate) use loom::hint;
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
    use loom::sync::{Condvar, Mutex};

    loom::lazy_static! {
        /// Whoever sleeps, sleeps here.
        static ref BED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    }

    /// Sleeps while the word is this, until somebody is woken.
    pub(crate) fn futex_wait(word: &AtomicU32, value: u32) {
        let awake = BED.0.lock().unwrap();
        // The system looks at the latest value.
        if word.fetch_add(0, Ordering::Relaxed) == value {
            drop(BED.1.wait(awake).unwrap());
        }
    }

    pub(crate) fn futex_wake_one() {
        let _awake = BED.0.lock().unwrap();
        BED.1.notify_one();
    }
}

pub(crate) mod thread {
    pub(crate) use loom::thread::spawn;
}

pub(crate) mod cell {
    //! A cell of which the checker says when two threads are at it at once.

    pub(crate) struct Cell<T>(loom::cell::UnsafeCell<T>);

    // SAFETY: the checker ends the execution where this would be a race.
    unsafe impl<T: Send> Sync for Cell<T> {}

    impl<T: Copy> Cell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::cell::UnsafeCell::new(value))
        }

        pub(crate) fn get(&self) -> T {
            // SAFETY: the checker has looked whether anybody writes it.
            self.0.with(|value| unsafe { *value })
        }

        pub(crate) fn replace(&self, new: T) -> T {
            // SAFETY: the checker has looked whether anybody else is at it.
            self.0.with_mut(|value| unsafe { value.replace(new) })
        }
    }
}

#[allow(unused, unreachable_pub, clippy::all, reason = "copies, of which each test uses a part")]
mod copies {
    use super::{cell, sync, thread};
    copies!();
}

/// Has the checker try all executions in which threads are interrupted so often at most. (To find any of the
/// mutants takes one.)
fn check(properties: &[fn()]) {
    for &property in properties {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(INTERRUPTIONS);
        builder.check(property);
    }
}

const INTERRUPTIONS: usize = 3;

tests! {
    counter {
        strong_goes_unnoticed: "Causality",
        last_sees_nothing: "Causality",
        alone_sees_nothing: "Causality",
        weak_goes_unnoticed: "Causality",
        born_before_it_is_there: "Causality",
        dead_come_back: "read after it was dropped",
        weak_ones_are_forgotten: "Causality",
        slot_is_freed_too_soon: "Causality",
    }
    mailbox {
        posted_before_it_is_written: "Causality",
        taken_before_it_is_seen: "Causality",
        posted_over_another: "something is lost",
        taken_twice: "something is lost",
        counted_for_good: "left == right",
    }
    lock {
        taken_before_it_is_seen: "Causality",
        awaited_before_it_is_seen: "Causality",
        let_go_before_it_is_written: "Causality",
        nobody_is_woken: "deadlock",
        others_are_forgotten: "deadlock",
        two_have_it: "Causality",
    }
}
