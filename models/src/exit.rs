//! What holds of the caches of threads that end, one way or the other.

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        /// A thread: what it does, and how it ends.
        #[derive(Clone, Copy)]
        enum End {
            /// Its hook is called.
            Hook,
            /// It is not.
            Vanish,
        }

        /// The life of a thread that allocates so much, and frees all but one.
        fn live(own: usize, slots: usize, end: End) {
            barrier::come_in(own);
            let cache = make_cache(&FAMILY).expect("room for a cache");
            let mut slots: Vec<_> = (0..slots).map(|_| allocate(cache)).collect();
            slots.drain(1..).for_each(|slot| free(cache, slot));
            match end {
                End::Hook => {
                    // SAFETY: as the system calls it.
                    unsafe { end_thread(ptr::null_mut()) };
                    assert!(
                        CACHE_SLOT
                            .with(|cache_slot| ptr::eq(cache_slot.get(), EMPTY_CACHE.as_cache()))
                    );
                    assert!(make_cache(&FAMILY).is_none(), "a cache that nobody will close");
                }
                End::Vanish => os::Pulse::leave(),
            }
            barrier::go();
        }

        /// Closes what the dead have left.
        fn look(own: usize) {
            barrier::come_in(own);
            close_all_of_dead();
            barrier::go();
        }

        /// All that so many threads had is back, and so are their caches and marks.
        fn verify_all(threads: usize) {
            look(0);
            // Stopped ones may have been passed before they were.
            look(0);
            assert_eq!(life::all(), 1, "a mark is lost");
            assert_eq!(GONE.lock().unwrap().len(), 2 * threads, "lost");
            assert!(FAMILY.caches.lock().iter().next().is_none());
            verify(threads);
        }

        /// Two look for what a thread leaves that is gone, or about to go.
        fn two_look(ends: End) {
            let dead = thread::spawn(move || live(0, 1, ends));
            let looker = thread::spawn(|| look(1));
            look(2);
            looker.join().unwrap();
            dead.join().unwrap();
            verify_all(1);
        }

        /// A thread begins, which looks itself, while others look, and one of them dies.
        fn one_begins() {
            thread::spawn(|| live(0, 1, End::Vanish)).join().unwrap();
            let other = thread::spawn(|| live(1, 1, End::Vanish));
            look(0);
            other.join().unwrap();
            verify_all(2);
        }

        /// What a thread has left is closed while somebody takes from it.
        fn taken_and_closed() {
            thread::spawn(|| live(0, 2, End::Vanish)).join().unwrap();
            let taker = thread::spawn(|| handshake::unload_next(&FAMILY, Whose::All));
            look(0);
            taker.join().unwrap();
            verify_all(1);
        }

        pub(crate) const INTERRUPTIONS: usize = 3;
        pub(crate) const PROPERTIES: &[fn()] =
            &[|| two_look(End::Hook), || two_look(End::Vanish), one_begins, taken_and_closed];

        /// So many threads come and go.
        fn they_come_and_go(threads: usize) {
            let others: Vec<_> = (0..threads)
                .map(|own| {
                    let end = if own % 2 == 0 { End::Vanish } else { End::Hook };
                    thread::spawn(move || live(own, 1 + own, end))
                })
                .collect();
            let taker = thread::spawn(|| {
                for _ in 0..2 {
                    handshake::unload_next(&FAMILY, Whose::All);
                }
            });
            others.into_iter().for_each(|other| other.join().unwrap());
            taker.join().unwrap();
            verify_all(threads);
        }

        pub(crate) const LARGE: &[fn()] = &[|| they_come_and_go(2), || they_come_and_go(3)];
    };
}

pub(crate) use properties;
