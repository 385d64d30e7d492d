//! What holds of a lane's mailbox.

/// What the copy needs around it: magazines whose slots are watched.
macro_rules! surroundings {
    () => {
        use super::sync::{AtomicPtr, AtomicUsize, Ordering};
        use super::{cell, thread};
        use core::ptr::NonNull;
        use std::sync::Arc;

        pub(crate) struct Magazine {
            next: *mut Self,
            slots: cell::Cell<u32>,
        }

        pub(crate) struct MagazineBox {
            raw: NonNull<Magazine>,
        }

        impl MagazineBox {
            fn new(slots: u32) -> Self {
                let slots = cell::Cell::new(slots);
                Self {
                    raw: NonNull::from(Box::leak(Box::new(Magazine {
                        next: core::ptr::null_mut(),
                        slots,
                    }))),
                }
            }

            fn len(&self) -> usize {
                // SAFETY: the box is the only access to its magazine.
                unsafe { self.raw.as_ref() }.slots.get() as usize
            }

            fn open(self) -> u32 {
                // SAFETY: from `new`, and the only access.
                let magazine = unsafe { Box::from_raw(self.raw.as_ptr()) };
                magazine.slots.replace(0)
            }
        }
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        fn post(mailbox: &Mailbox, slots: u32) {
            mailbox.post(MagazineBox::new(slots));
        }

        /// What was in the mailbox, as a sum.
        fn empty(mailbox: &Mailbox) -> u32 {
            let mut list = mailbox.empty();
            let mut sum = 0;
            while let Some(magazine) = list.pop() {
                mailbox.count_taken(&magazine);
                let slots = magazine.open();
                assert_ne!(slots, 0, "taken twice");
                sum += slots;
            }
            sum
        }

        /// Two threads post; a third, or one of them, empties meanwhile.
        pub(crate) fn what_is_posted_is_taken_once() {
            let mailbox = Arc::new(Mailbox::new());
            let poster = |slots: u32| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || post(&mailbox, slots))
            };
            let posters = [poster(1), poster(10)];
            let mut sum = empty(&mailbox);
            for poster in posters {
                poster.join().unwrap();
            }
            sum += empty(&mailbox);
            assert_eq!(sum, 11, "something is lost");
            assert!(mailbox.is_empty());
            assert_eq!(mailbox.load(), (0, 0));
        }

        /// Two threads empty what a third posts.
        pub(crate) fn what_two_take_is_shared_out() {
            let mailbox = Arc::new(Mailbox::new());
            post(&mailbox, 1);
            let taker = {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || empty(&mailbox))
            };
            let poster = {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || post(&mailbox, 10))
            };
            let mut sum = empty(&mailbox);
            sum += taker.join().unwrap();
            poster.join().unwrap();
            sum += empty(&mailbox);
            assert_eq!(sum, 11, "something is lost or came twice");
            assert_eq!(mailbox.load(), (0, 0));
        }

        /// So many threads post so often each, and all empty meanwhile.
        fn everybody_posts_and_takes(threads: u32, times: u32) {
            let mailbox = Arc::new(Mailbox::new());
            let others: Vec<_> = (0..threads)
                .map(|own| {
                    let mailbox = Arc::clone(&mailbox);
                    thread::spawn(move || {
                        (0..times)
                            .map(|turn| {
                                post(&mailbox, 1 + own);
                                if turn % 2 == own % 2 { empty(&mailbox) } else { 0 }
                            })
                            .sum::<u32>()
                    })
                })
                .collect();
            let mut sum: u32 = others.into_iter().map(|other| other.join().unwrap()).sum();
            sum += empty(&mailbox);
            assert_eq!(sum, times * threads * (threads + 1) / 2, "something is lost or came twice");
            assert_eq!(mailbox.load(), (0, 0));
        }

        pub(crate) const LARGE: &[fn()] =
            &[|| everybody_posts_and_takes(4, 4), || everybody_posts_and_takes(8, 2)];
        /// How often threads are interrupted, at most, where all executions are tried.
        pub(crate) const INTERRUPTIONS: usize = 3;
        /// All of them.
        pub(crate) const PROPERTIES: &[fn()] =
            &[what_is_posted_is_taken_once, what_two_take_is_shared_out];
    };
}

pub(crate) use {properties, surroundings};
