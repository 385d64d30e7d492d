//! The protocols between threads, under model checkers.
//!
//! What is checked is the allocator's own source: the build copies it, with the atomics of the checker in
//! the place of `core`'s. Each protocol has properties, which hold of the original in every execution
//! that the checker tries; and mutants, the same source with one mistake, of which the checker must find
//! an execution in which a property fails. So what the checker finds nothing in was looked at.
//!
//! | protocol | source | properties |
//! |---|---|---|
//! | the handles of a shared value | `src/rc/counter.rs` | the value is dropped once, after the last use of it; the slot is freed once, after that; who upgrades a weak handle sees the value whole |
//! | a lane's mailbox | `src/lane/magazine.rs` | what is posted is taken once, as it was written |
//! | the lock whose waiters sleep | `src/sync/word.rs` | one at a time, seeing what the last did; whoever waits gets it |
//! | locks that a fork holds, and its guests | `src/sync/{word,guests,waiting}.rs` | whoever takes or passes them is alone, seeing what the last did; nobody is a guest before all locks are held, nor when they are let go; who gives up leaves alone what others hold; what guests make is held; a child that sees no guest finds nothing torn |
//! | first use, and what a fork finds | these, `src/sync/first.rs`, `src/space/registry.rs`, `src/table/fork_locks.rs` | one is made, and all see it written; who reads the count finds what was counted; a fork holds all that is known |
//! | the handshake with threads that idle | `src/thread/{handshake,head,mod,exit}.rs`, `src/table/caches.rs` | a slot is in one place at a time, and none is lost: what an owner pops or pushes, refills or gives back at its end nobody takes beside it; what others have taken is no double free |
//! | how threads end | these, `src/thread/{life,exit}.rs` | what a thread leaves is closed once, by itself or by who finds it gone, also beside others that look, begin or take from it; no mark is lost, and none is looked at after it was given back |
//! | decay | `src/{table,lane/trim,thread/decay}.rs` | what is sent or freed is noticed by the rounds that follow, however it falls between their looks; a lane in use is not taken for an idle one; a family is quiet only when it was |
//! | the thread in the background | `src/thread/{background,decay}.rs` | there is one at most; whoever makes work while it looks around or falls asleep wakes it; it ends when it is stopped, unless somebody starts it, and a child has none of its parent's |
//! | lanes | `src/{table,lane/mod}.rs` | who uses a lane is counted, however many choose at once; what whoever leaves has left is drained by the last, or found |
//!
//! Loom tries all executions of two or three threads, in each of which a load may see every value that the
//! memory model lets it. Shuttle tries many random ones of more threads, each of which sees the latest
//! values.
//!
//! The barrier that every thread passes, which no checker knows, is a protocol of the model's own
//! (`src/barrier.rs`): each thread that is asked passes it between two of its accesses.

/// The copies of each protocol, for one checker. `sync` and `cell` are the checker's.
#[cfg(test)]
macro_rules! copies {
    () => {
        mod abort {
            pub(crate) fn too_many_handles(most: u32) -> ! {
                panic!("more than {most} handles")
            }
        }

        macro_rules! counter {
            ($name:ident) => {
                #[allow(
                    dead_code,
                    unreachable_pub,
                    missing_docs,
                    rustdoc::broken_intra_doc_links,
                    reason = "a copy, of which a part is used"
                )]
                pub(crate) mod $name {
                    include!(concat!(env!("OUT_DIR"), "/counter_", stringify!($name), ".rs"));
                    $crate::counter::properties!();
                }
            };
        }
        pub(super) mod counter {
            use super::{abort, cell, sync, thread};
            counter!(original);
            counter!(strong_goes_unnoticed);
            counter!(last_sees_nothing);
            counter!(alone_sees_nothing);
            counter!(weak_goes_unnoticed);
            counter!(born_before_it_is_there);
            counter!(dead_come_back);
            counter!(weak_ones_are_forgotten);
            counter!(slot_is_freed_too_soon);
        }

        macro_rules! mailbox {
            ($name:ident) => {
                #[allow(dead_code, reason = "a copy, of which a part is used")]
                pub(crate) mod $name {
                    $crate::mailbox::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/mailbox_", stringify!($name), ".rs"));
                    $crate::mailbox::properties!();
                }
            };
        }
        pub(super) mod mailbox {
            use super::{cell, sync, thread};
            mailbox!(original);
            mailbox!(posted_before_it_is_written);
            mailbox!(taken_before_it_is_seen);
            mailbox!(posted_over_another);
            mailbox!(taken_twice);
            mailbox!(counted_for_good);
        }

        macro_rules! lock {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::lock::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/lock_", stringify!($name), ".rs"));
                    $crate::lock::properties!();
                }
            };
        }
        pub(super) mod lock {
            use super::{cell, sync, thread};
            lock!(original);
            lock!(taken_before_it_is_seen);
            lock!(awaited_before_it_is_seen);
            lock!(let_go_before_it_is_written);
            lock!(nobody_is_woken);
            lock!(others_are_forgotten);
            lock!(two_have_it);
        }

        macro_rules! guests {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::guests::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/guests_", stringify!($name), ".rs"));
                    $crate::guests::properties!();
                }
            };
        }
        pub(super) mod guests {
            use super::{cell, sync, thread};
            guests!(original);
            guests!(let_go_beside_a_guest);
            guests!(guest_of_a_fork_to_be);
            guests!(fork_never_ends);
            guests!(guests_beside_one_another);
            guests!(gone_after_the_first_lock);
            guests!(fork_begins_before_it_is_seen);
            guests!(next_fork_is_not_seen);
            guests!(passes_what_others_hold);
            guests!(lets_go_what_others_hold);
            guests!(held_twice);
            guests!(born_free);
        }

        macro_rules! registry {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::registry::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/registry_", stringify!($name), ".rs"));
                    $crate::registry::properties!();
                }
            };
        }
        pub(super) mod registry {
            use super::{cell, sync, thread};
            registry!(original);
            registry!(made_over_another);
            registry!(seen_before_it_is_written);
            registry!(made_known_before_it_is_written);
            registry!(counted_before_it_is_seen);
            registry!(counted_before_it_is_known);
            registry!(born_behind_a_fork);
        }

        macro_rules! background {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::background::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/background_", stringify!($name), ".rs"));
                    $crate::background::properties!();
                }
            };
        }
        pub(super) mod background {
            use super::{cell, sync, thread};
            background!(original);
            background!(two_are_started);
            background!(stopped_before_it_is_seen);
            background!(ended_before_it_is_written);
            background!(sleeper_is_not_woken);
            background!(sleeps_only_once_it_has_looked);
            background!(ends_although_it_was_woken);
            background!(stopped_for_whoever_starts);
            background!(child_has_its_parents);
            background!(last_word_wakes_nobody);
        }

        macro_rules! decay {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::decay::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/decay_", stringify!($name), ".rs"));
                    $crate::decay::properties!();
                }
            };
        }
        pub(super) mod decay {
            use super::{barrier, sync, thread};
            decay!(original);
            decay!(mail_is_not_looked_for);
            decay!(trimmed_for_good);
            decay!(goes_on_behind_what_was_freed);
            decay!(goes_on_behind_the_mail);
            decay!(goes_on_where_another_was);
            decay!(what_was_trimmed_is_not_noted);
            decay!(looks_are_not_remembered);
            decay!(own_looks_count);
            decay!(use_meanwhile_is_taken_for_its_own);
            decay!(early_is_quiet);
            decay!(work_is_quiet);
            decay!(round_without_an_end);
            decay!(settled_and_not_noted);
        }

        macro_rules! lanes {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::lanes::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/lanes_", stringify!($name), ".rs"));
                    $crate::lanes::properties!();
                }
            };
        }
        pub(super) mod lanes {
            use super::{barrier, sync, thread};
            lanes!(original);
            lanes!(counted_after_others_choose);
            lanes!(added_over_another);
            lanes!(leaves_before_it_has_given);
            lanes!(leaves_before_it_is_drained);
            lanes!(looks_who_is_left_and_then_leaves);
            lanes!(leaves_twice);
            lanes!(remote_batches_stay);
            lanes!(mail_is_not_looked_for);
        }

        macro_rules! exit {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::handshake::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/exit_", stringify!($name), ".rs"));
                    $crate::handshake::work!();
                    $crate::exit::properties!();
                }
            };
        }
        pub(super) mod exit {
            use super::{barrier, cell, sync, thread};
            exit!(original);
            exit!(looks_beside_another);
            exit!(newest_is_taken_off_over_a_newer);
            exit!(given_back_in_the_list);
            exit!(listed_before_it_is_written);
            exit!(looked_before_it_is_seen);
            exit!(caches_are_not_noted);
            exit!(closed_beside_a_taker);
        }

        macro_rules! handshake {
            ($name:ident) => {
                pub(crate) mod $name {
                    $crate::handshake::surroundings!();
                    include!(concat!(env!("OUT_DIR"), "/handshake_", stringify!($name), ".rs"));
                    $crate::handshake::work!();
                    $crate::handshake::properties!();
                }
            };
        }
        pub(super) mod handshake {
            use super::{barrier, cell, sync, thread};
            handshake!(original);
            handshake!(closed_without_a_barrier);
            handshake!(taken_without_a_barrier);
            handshake!(owner_does_not_look);
            handshake!(taken_in_the_midst_of_a_turn);
            handshake!(closed_before_it_is_known_who_is_at_work);
            handshake!(the_uppermost_is_taken_too);
            handshake!(previous_is_taken_twice);
            handshake!(a_memory_is_taken_for_a_double_free);
            handshake!(what_is_taken_is_not_noted);
        }
    };
}

/// For each protocol, that it holds; and of each mutant, what the checker says when it finds it.
#[cfg(test)]
macro_rules! tests {
    ($($protocol:ident { $($mutant:ident: $said:literal,)* })*) => {
        $(
            mod $protocol {
                use super::check;
                use super::copies::$protocol as copies;

                #[test]
                fn it_holds() {
                    check(copies::original::PROPERTIES, copies::original::INTERRUPTIONS);
                }

                $(
                    #[test]
                    #[should_panic = $said]
                    fn $mutant() {
                        check(copies::$mutant::PROPERTIES, copies::original::INTERRUPTIONS);
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod background;
#[cfg(test)]
mod counter;
#[cfg(test)]
mod decay;
#[cfg(test)]
mod exit;
#[cfg(test)]
mod guests;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod registry;

#[cfg(test)]
mod on_loom;
#[cfg(test)]
mod on_shuttle;
