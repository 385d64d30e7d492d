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
//!
//! Loom tries all executions of two or three threads, in each of which a load may see every value that the
//! memory model lets it. Shuttle tries many random ones of more threads, each of which sees the latest
//! values.

/// The copies of each protocol, for one checker. `sync` and `cell` are the checker's.
#[cfg(test)]
macro_rules! copies {
    () => {
        mod os {
            pub(crate) fn die(message: core::fmt::Arguments<'_>) -> ! {
                panic!("{message}")
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
            use super::{cell, os, sync, thread};
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
                    check(copies::original::PROPERTIES);
                }

                $(
                    #[test]
                    #[should_panic = $said]
                    fn $mutant() {
                        check(copies::$mutant::PROPERTIES);
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod counter;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod mailbox;

#[cfg(test)]
mod on_loom;
#[cfg(test)]
mod on_shuttle;
