//! What holds of the thread that gives memory back where all others sleep.

/// What the copy needs around it: work that can be done, caches that threads have, and a system that lets threads
/// sleep.
///
/// Time passes between two rounds only. Whoever else waits, waits until he is woken: nobody is to be saved by a
/// bound.
macro_rules! surroundings {
    () => {
        use super::cell::Cell as Watched;
        use super::sync::{self, AtomicU32, Condvar, Mutex, Ordering, lazy_static};
        use super::thread;

        pub(crate) mod options {
            pub(crate) const NEVER: u64 = u64::MAX;

            pub(crate) fn purge_delay() -> u64 {
                1
            }
        }

        pub(crate) mod os {
            use super::sync::{AtomicU32, Condvar, Mutex, Ordering, lazy_static};
            use super::thread::{spawn, yield_now};
            use core::ffi::c_void;
            use core::ptr;

            lazy_static! {
                /// Whether somebody sleeps until he is woken; he, and whoever waits for a while.
                static ref BED: (Mutex<bool>, Condvar, Condvar) =
                    (Mutex::new(false), Condvar::new(), Condvar::new());
            }

            pub(crate) fn spawn_unnoticed(run: fn(*mut c_void) -> *mut c_void) -> bool {
                let thread = spawn(move || assert!(run(ptr::null_mut()).is_null()));
                super::STARTED.lock().unwrap().push(thread);
                true
            }

            /// Between two rounds time passes. Whoever waits for the thread waits until it says something, or
            /// until there is none that is up.
            pub(crate) fn wait_while(word: &AtomicU32, value: u32, milliseconds: u64) {
                if milliseconds <= super::PERIOD.into() {
                    return;
                }
                let mut asleep = BED.0.lock().unwrap();
                // The system looks at the latest value.
                if word.fetch_add(0, Ordering::Relaxed) != value {
                    return;
                }
                if milliseconds > 1000 {
                    *asleep = true;
                    BED.2.notify_all();
                    drop(BED.1.wait(asleep).unwrap());
                } else if !*asleep {
                    drop(BED.2.wait(asleep).unwrap());
                } else {
                    drop(asleep);
                    yield_now();
                }
            }

            /// Where nobody waits for long, it is no matter whom this wakes.
            pub(crate) fn wake(word: &AtomicU32) {
                let mut asleep = BED.0.lock().unwrap();
                if super::background::is_state(word) {
                    *asleep = false;
                    BED.1.notify_all();
                    BED.2.notify_all();
                }
            }
        }

        pub(crate) mod fork {
            pub(crate) fn expect_forks() {}

            pub(crate) fn attend() {}
        }

        pub(crate) mod exit {
            pub(crate) fn close_all_of_dead() {}
        }

        pub(crate) mod decay {
            /// Does what there is to do; returns whether there was something.
            pub(crate) fn round() -> bool {
                let mut left = super::LEFT.0.lock().unwrap();
                if core::mem::take(&mut *left) > 0 {
                    super::LEFT.1.notify_all();
                    return true;
                }
                false
            }

            /// Every round is in time.
            pub(crate) fn expect_work() {}
        }

        pub(crate) mod space {
            /// There is none.
            pub(crate) struct Space;

            impl Space {
                /// Only the thread asks: it was here.
                pub(crate) fn all_in_use() -> impl Iterator<Item = &'static Self> {
                    super::TOUCHED.replace(1);
                    core::iter::empty()
                }

                pub(crate) fn purge_on_the_way(&self) {}

                pub(crate) fn purge(&self, _: usize) {}
            }
        }

        pub(crate) mod table {
            use super::sync::{Mutex, MutexGuard, lazy_static};

            pub(crate) struct Lock(Mutex<Option<()>>);

            impl Lock {
                pub(crate) fn lock(&self) -> MutexGuard<'_, Option<()>> {
                    self.0.lock().unwrap()
                }
            }

            pub(crate) struct FamilyTable {
                /// Whether there are any.
                pub(crate) caches: Lock,
            }

            lazy_static! {
                pub(crate) static ref FAMILY: FamilyTable =
                    FamilyTable { caches: Lock(Mutex::new(Some(()))) };
            }

            pub(crate) struct SetTable;

            impl SetTable {
                pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
                    core::iter::once(&SetTable)
                }

                pub(crate) fn all_used(&self) -> impl Iterator<Item = &'static FamilyTable> {
                    core::iter::once(&*FAMILY)
                }
            }
        }

        type Threads = std::sync::Mutex<Vec<thread::JoinHandle<()>>>;

        /// How many milliseconds lie between two rounds.
        const PERIOD: u32 = 1;

        lazy_static! {
            /// How much there is to do; and whoever waits until it is done.
            static ref LEFT: (Mutex<u32>, Condvar) = (Mutex::new(0), Condvar::new());
            /// The threads that were started.
            static ref STARTED: Threads = Threads::new(Vec::new());
            /// How often one went a round.
            static ref TOUCHED: Watched<u32> = Watched::new(0);
        }
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        fn start() {
            assert!(background::start(PERIOD));
        }

        fn started() -> usize {
            STARTED.lock().unwrap().len()
        }

        /// Once it is stopped nobody touches anything.
        fn stop() {
            background::stop();
            TOUCHED.replace(0);
        }

        /// Waits for the end of all that were started: for ever, where one does not end.
        fn wait_for_their_end() {
            let threads = core::mem::take(&mut *STARTED.lock().unwrap());
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }

        fn end() {
            stop();
            wait_for_their_end();
        }

        /// Leaves something to do, as a slow path does.
        fn leave_work() {
            *LEFT.0.lock().unwrap() += 1;
            background::wake();
        }

        /// Waits until nothing is left to do: for ever, where nobody does it.
        fn wait_until_done() {
            let mut left = LEFT.0.lock().unwrap();
            while *left > 0 {
                left = LEFT.1.wait(left).unwrap();
            }
        }

        fn lose_caches() {
            *table::FAMILY.caches.lock() = None;
            background::wake();
        }

        fn make_cache() {
            *table::FAMILY.caches.lock() = Some(());
            background::wake();
        }

        /// What is left to do is done, whenever that was.
        fn nothing_is_left() {
            start();
            let other = thread::spawn(leave_work);
            leave_work();
            wait_until_done();
            other.join().unwrap();
            wait_until_done();
            end();
        }

        /// It can be stopped and started again.
        fn it_is_stopped() {
            start();
            stop();
            start();
            assert_eq!(started(), 2);
            leave_work();
            wait_until_done();
            end();
        }

        /// Two start it.
        fn there_is_one() {
            let other = thread::spawn(start);
            start();
            other.join().unwrap();
            assert_eq!(started(), 1, "there are two");
            end();
        }

        /// Two stop it.
        fn two_stop_it() {
            start();
            let other = thread::spawn(background::stop);
            stop();
            other.join().unwrap();
            end();
        }

        /// One stops it, and another starts it: neither waits for ever.
        fn stopped_and_started() {
            start();
            let other = thread::spawn(background::stop);
            start();
            other.join().unwrap();
            end();
        }

        /// It ends where no thread has caches, and nobody stops it.
        fn it_ends() {
            start();
            lose_caches();
            wait_for_their_end();
        }

        /// Who stops it then may touch what it has.
        fn it_ends_by_itself_or_not() {
            start();
            lose_caches();
            end();
        }

        /// It is about to end, and there are caches again: if it is there once they are made, it stays.
        fn it_stays() {
            lose_caches();
            start();
            make_cache();
            // Somebody else's look sees the latest value.
            if thread::spawn(background::is_there).join().unwrap() {
                leave_work();
                wait_until_done();
            }
            end();
        }

        /// Whoever has started it, while it is about to end, has one.
        fn it_is_started_at_its_end() {
            lose_caches();
            start();
            make_cache();
            start();
            leave_work();
            wait_until_done();
            end();
        }

        /// A child, with a copy of the state of whatever thread its parent had, has none, and gets one of its own.
        fn a_child_has_none(state: u32) {
            background::inherit(state);
            background::forget();
            // There is nobody to wait for.
            stop();
            start();
            assert_eq!(started(), 1);
            end();
        }

        /// How often threads are interrupted, at most, where all executions are tried.
        pub(crate) const INTERRUPTIONS: usize = 2;
        /// All of them.
        pub(crate) const PROPERTIES: &[fn()] = &[
            || a_child_has_none(background::AWAKE),
            || a_child_has_none(background::ASLEEP),
            it_ends,
            there_is_one,
            it_is_stopped,
            it_ends_by_itself_or_not,
            it_stays,
            it_is_started_at_its_end,
            nothing_is_left,
            stopped_and_started,
        ];

        /// So many threads leave work, and one starts and stops it meanwhile.
        fn everybody_leaves_work(threads: usize) {
            let others: Vec<_> = (0..threads)
                .map(|own| {
                    thread::spawn(move || {
                        for turn in 0..3 {
                            match (own + turn) % 3 {
                                0 => make_cache(),
                                1 => lose_caches(),
                                _ => leave_work(),
                            }
                        }
                    })
                })
                .collect();
            for _ in 0..2 {
                start();
                leave_work();
                stop();
            }
            start();
            others.into_iter().for_each(|other| other.join().unwrap());
            make_cache();
            start();
            leave_work();
            wait_until_done();
            end();
        }

        pub(crate) const LARGE: &[fn()] =
            &[two_stop_it, || everybody_leaves_work(2), || everybody_leaves_work(5)];
    };
}

pub(crate) use {properties, surroundings};
