//! What holds of the lock whose waiters sleep.

/// What the copy needs around it: threads have no names.
macro_rules! surroundings {
    () => {
        use super::sync::{AtomicU32, Ordering, hint};
        use super::{cell, thread};
        use std::sync::Arc;

        fn held_by_me() -> u32 {
            HELD
        }
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        struct Guarded {
            word: Word,
            value: cell::Cell<u32>,
        }

        impl Guarded {
            fn new() -> Arc<Self> {
                Arc::new(Self { word: Word(AtomicU32::new(FREE)), value: cell::Cell::new(0) })
            }

            fn add(&self) {
                assert!(self.word.take() || self.word.wait(|_| false));
                let before = self.value.get();
                self.value.replace(before + 1);
                self.word.unlock();
            }
        }

        /// So many threads and this one add, so many times each.
        fn each_has_it_alone(threads: u32, times: u32) {
            let guarded = Guarded::new();
            let others: Vec<_> = (0..threads)
                .map(|_| {
                    let guarded = Arc::clone(&guarded);
                    thread::spawn(move || (0..times).for_each(|_| guarded.add()))
                })
                .collect();
            (0..times).for_each(|_| guarded.add());
            for other in others {
                other.join().unwrap();
            }
            assert_eq!(guarded.value.get(), (threads + 1) * times);
        }

        /// How often threads are interrupted, at most, where all executions are tried.
        pub(crate) const INTERRUPTIONS: usize = 3;
        pub(crate) const PROPERTIES: &[fn()] =
            &[|| each_has_it_alone(1, 2), || each_has_it_alone(2, 1)];
        pub(crate) const LARGE: &[fn()] = &[|| each_has_it_alone(3, 3), || each_has_it_alone(7, 2)];
    };
}

pub(crate) use {properties, surroundings};
