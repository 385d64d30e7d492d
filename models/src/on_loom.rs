//! All executions of a few threads, weak memory included.

#![allow(unused_imports, reason = "each protocol uses some of the checker's parts")]

pub(crate) mod sync {
    pub(crate) use loom::hint;
    pub(crate) use loom::lazy_static;
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use loom::thread_local;

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
    pub(crate) use loom::thread::{JoinHandle, spawn, yield_now};

    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The next name.
    static NAMES: AtomicUsize = AtomicUsize::new(1);

    loom::thread_local! {
        static NAME: usize = NAMES.fetch_add(1, Ordering::Relaxed) << 6;
    }

    /// A number that is the calling thread's alone, as an address that the system keeps for it would be.
    pub(crate) fn name() -> usize {
        NAME.with(|name| *name)
    }
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

#[path = "barrier.rs"]
#[allow(clippy::duplicate_mod, reason = "once for each checker")]
mod barrier;

#[allow(unused, unreachable_pub, clippy::all, reason = "copies, of which each test uses a part")]
mod copies {
    use super::{barrier, cell, sync, thread};
    copies!();
}

/// Has the checker try all executions in which threads are interrupted so often at most. (To find any of the
/// mutants takes one or two.)
fn check(properties: &[fn()], interruptions: usize) {
    for &property in properties {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(interruptions);
        // An execution without an end has more.
        builder.max_branches = 3_000;
        builder.check(property);
    }
}

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
    guests {
        let_go_beside_a_guest: "Causality",
        guest_of_a_fork_to_be: "Causality",
        fork_never_ends: "Causality",
        guests_beside_one_another: "Causality",
        gone_after_the_first_lock: "Causality",
        fork_begins_before_it_is_seen: "Causality",
        next_fork_is_not_seen: "Causality",
        passes_what_others_hold: "Causality",
        lets_go_what_others_hold: "let go, although another holds it",
        held_twice: "maximum number of branches",
        born_free: "a newborn is not held",
    }
    registry {
        made_over_another: "two of one",
        seen_before_it_is_written: "Causality",
        made_known_before_it_is_written: "Causality",
        counted_before_it_is_seen: "does not lock_for_fork what is there",
        counted_before_it_is_known: "counted, and not there",
        born_behind_a_fork: "does not lock_for_fork what is there",
    }
    background {
        two_are_started: "there are two",
        stopped_before_it_is_seen: "Causality",
        ended_before_it_is_written: "Causality",
        sleeper_is_not_woken: "maximum number of branches",
        sleeps_only_once_it_has_looked: "deadlock",
        ends_although_it_was_woken: "deadlock",
        child_has_its_parents: "deadlock",
        last_word_wakes_nobody: "deadlock",
    }
    decay {
        mail_is_not_looked_for: "something is left",
        trimmed_for_good: "something is left",
        goes_on_behind_what_was_freed: "something is left",
        goes_on_behind_the_mail: "something is left",
        goes_on_where_another_was: "something is left",
        what_was_trimmed_is_not_noted: "it does not rest",
        looks_are_not_remembered: "it does not rest",
        own_looks_count: "it does not rest",
        use_meanwhile_is_taken_for_its_own: "something is left",
        early_is_quiet: "something is left",
        work_is_quiet: "something is left",
        round_without_an_end: "maximum number of branches",
        settled_and_not_noted: "something is left",
    }
    lanes {
        counted_after_others_choose: "two share a lane",
        added_over_another: "a lane is lost",
        leaves_before_it_has_given: "nobody has drained it",
        leaves_before_it_is_drained: "nobody has drained it",
        looks_who_is_left_and_then_leaves: "nobody has drained it",
        leaves_twice: "what was left is not found",
        remote_batches_stay: "nobody has drained it",
        mail_is_not_looked_for: "what was left is not found",
    }
    exit {
        looks_beside_another: "Causality",
        newest_is_taken_off_over_a_newer: "lost",
        given_back_in_the_list: "given back",
        listed_before_it_is_written: "Causality",
        looked_before_it_is_seen: "given back",
        caches_are_not_noted: "lost",
        closed_beside_a_taker: "slot",
    }
    handshake {
        closed_without_a_barrier: "a slot is lost",
        taken_without_a_barrier: "a slot is in two places",
        owner_does_not_look: "a slot is lost",
        taken_in_the_midst_of_a_turn: "a refilled magazine is empty",
        closed_before_it_is_known_who_is_at_work: "a refilled magazine is empty",
        the_uppermost_is_taken_too: "slot",
        previous_is_taken_twice: "slot",
        a_memory_is_taken_for_a_double_free: "taken for a double free",
        what_is_taken_is_not_noted: "slot",
    }
}
