//! Random executions of many threads.

#![allow(unused_imports, reason = "each protocol uses some of the checker's parts")]

use shuttle::scheduler::RandomScheduler;

pub(crate) mod sync {
    pub(crate) use shuttle::hint;
    pub(crate) use shuttle::lazy_static;
    pub(crate) use shuttle::sync::atomic::{
        AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use shuttle::thread_local;

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
    pub(crate) use shuttle::thread::{JoinHandle, spawn, yield_now};

    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The next name.
    static NAMES: AtomicUsize = AtomicUsize::new(1);

    shuttle::thread_local! {
        static NAME: usize = NAMES.fetch_add(1, Ordering::Relaxed) << 6;
    }

    /// A number that is the calling thread's alone, as an address that the system keeps for it would be.
    pub(crate) fn name() -> usize {
        NAME.with(|name| *name)
    }
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

#[path = "barrier.rs"]
#[allow(clippy::duplicate_mod, reason = "once for each checker")]
mod barrier;

#[allow(unused, unreachable_pub, clippy::all, reason = "copies, of which each test uses a part")]
mod copies {
    use super::{barrier, cell, sync, thread};
    copies!();
}

/// Tries so many executions of each property, the same ones each time.
const EXECUTIONS: usize = 20_000;

fn check(properties: &[fn()], _: usize) {
    for &property in properties {
        let scheduler = RandomScheduler::new_from_seed(7, EXECUTIONS);
        shuttle::Runner::new(scheduler, shuttle::Config::new()).run(property);
    }
}

// What is wrong with the other mutants, only who sees old values can see; and a guest of a fork that is yet to
// begin comes by too rarely to be met at random.
tests! {
    background {
        two_are_started: "there are two",
        sleeper_is_not_woken: "exceeded max_steps bound",
        sleeps_only_once_it_has_looked: "deadlock",
        stopped_for_whoever_starts: "exceeded max_steps bound",
        child_has_its_parents: "deadlock",
        last_word_wakes_nobody: "deadlock",
    }
    registry {
        made_over_another: "two of one",
        counted_before_it_is_known: "counted, and not there",
        born_behind_a_fork: "does not lock_for_fork what is there",
    }
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
    guests {
        let_go_beside_a_guest: "somebody is at it",
        fork_never_ends: "read while it is written",
        guests_beside_one_another: "somebody is at it",
        gone_after_the_first_lock: "torn",
        passes_what_others_hold: "somebody is at it",
        lets_go_what_others_hold: "let go, although another holds it",
        held_twice: "exceeded max_steps bound",
        born_free: "a newborn is not held",
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
        early_is_quiet: "something is left",
        work_is_quiet: "something is left",
        round_without_an_end: "exceeded max_steps bound",
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
        looks_beside_another: "given back",
        newest_is_taken_off_over_a_newer: "lost",
        given_back_in_the_list: "given back",
        caches_are_not_noted: "lost",
        closed_beside_a_taker: "slot",
    }
    handshake {
        owner_does_not_look: "slot",
        taken_in_the_midst_of_a_turn: "slot",
        closed_before_it_is_known_who_is_at_work: "slot",
        a_memory_is_taken_for_a_double_free: "taken for a double free",
        what_is_taken_is_not_noted: "slot",
        previous_is_taken_twice: "slot",
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
    use super::copies::{
        background, counter, decay, exit, guests, handshake, lanes, lock, mailbox, registry,
    };

    #[test]
    fn locks() {
        check(lock::original::LARGE, ANY);
    }

    #[test]
    fn mailboxes() {
        check(mailbox::original::LARGE, ANY);
    }

    /// Threads are interrupted anywhere.
    const ANY: usize = usize::MAX;

    #[test]
    fn first_uses() {
        check(registry::original::LARGE, ANY);
    }

    #[test]
    fn forks() {
        check(guests::original::LARGE, ANY);
    }

    #[test]
    fn magazines_of_others() {
        check(handshake::original::LARGE, ANY);
    }

    #[test]
    fn exits() {
        check(exit::original::LARGE, ANY);
    }

    #[test]
    fn background_threads() {
        check(background::original::LARGE, ANY);
    }

    #[test]
    fn steps_of_decay() {
        check(decay::original::LARGE, ANY);
    }

    #[test]
    fn lanes() {
        check(lanes::original::LARGE, ANY);
    }

    #[test]
    fn handles() {
        check(counter::original::LARGE, ANY);
    }
}
