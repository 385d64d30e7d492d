//! What holds of locks that a fork holds, and of those who pass them.

/// What the copy needs around it.
macro_rules! surroundings {
    () => {
        use super::cell::Cell as Watched;
        use super::sync::{
            AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering, hint, lazy_static,
        };
        use super::thread::{self, name, yield_now};
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        use waiting::{Lock, Patience};

        lazy_static! {
            /// Two locks that nest, the outer one first.
            static ref LOCKS: [Lock<Watched<u32>>; 2] =
                [Lock::new(Watched::new(0)), Lock::new(Watched::new(0))];
            /// One that comes into being while a fork holds the others, and whether it has.
            static ref NEWBORN: (Lock<()>, AtomicBool) = (Lock::new(()), AtomicBool::new(false));
            /// Whether somebody is in the midst of something, as a child would see it.
            static ref TORN: std::sync::atomic::AtomicBool = false.into();
        }

        fn add_to(value: &Watched<u32>) {
            let before = value.get();
            value.replace(before + 1);
        }

        /// Changes what both locks guard.
        fn add() {
            let outer = LOCKS[0].lock();
            TORN.store(true, Ordering::Relaxed);
            add_to(&outer);
            add_to(&LOCKS[1].lock());
            // The guard of the inner one has gone.
            assert_eq!(outer.get(), LOCKS[1].lock().get(), "torn");
            TORN.store(false, Ordering::Relaxed);
        }

        /// Takes both locks, or neither.
        fn lock_for_fork() -> bool {
            let held = LOCKS.iter().all(|lock| lock.lock_for_fork(&mut Patience::new(1)));
            if held {
                // Nobody is a guest yet.
                LOCKS.iter().for_each(|lock| add_to_held(lock));
            } else {
                unlock();
            }
            held
        }

        /// Changes what a lock guards that the caller holds, and nobody passes.
        fn add_to_held(lock: &Lock<Watched<u32>>) {
            // SAFETY: who is at it beside the caller is found by the checker.
            add_to(unsafe { lock.guarded() });
        }

        fn unlock() {
            // SAFETY: the caller takes them for a fork, and has no guard.
            LOCKS.iter().for_each(|lock| unsafe { lock.unlock() });
        }

        /// Has `meanwhile` run while all locks are held for a fork; returns whether they could be taken.
        fn fork(meanwhile: impl FnOnce()) -> bool {
            let held = lock_for_fork();
            if held {
                // SAFETY: held just now.
                unsafe { guests::begin_fork() };
                meanwhile();
                let unlock_all = || {
                    LOCKS.iter().for_each(|lock| add_to_held(lock));
                    unlock();
                    if NEWBORN.1.load(Ordering::Acquire) {
                        assert!(NEWBORN.0.is_held(), "a newborn is not held");
                        // SAFETY: as in `unlock`.
                        unsafe { NEWBORN.0.unlock() };
                    }
                };
                // SAFETY: begun above.
                unsafe { guests::end_fork(unlock_all) };
            }
            held
        }

        fn verify(expected: u32) {
            assert!(LOCKS.iter().all(|lock| !lock.is_held()), "a lock is held for good");
            assert!(!guests::is_somebody_passing(), "the guests' lock is held for good");
            assert!(!guests::is_forking() && !guests::is_born_held());
            assert_eq!(LOCKS[0].lock().get(), expected);
        }

        /// What a fork changes: once when it holds all, once when it lets go.
        const BY_FORK: u32 = 2;

        /// A thread forks, and does something in a handler; another does the same meanwhile.
        fn a_waiter_and_a_fork() {
            add();
            let waiter = thread::spawn(add);
            let held = fork(add);
            waiter.join().unwrap();
            verify(2 + if held { BY_FORK + 1 } else { 0 });
        }

        /// The thread that forks waits for so many others that wait for its locks.
        fn a_fork_that_waits_for_waiters(waiters: u32) {
            add();
            let held = fork(|| {
                let waiters: Vec<_> = (0..waiters).map(|_| thread::spawn(add)).collect();
                waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
            });
            assert!(held);
            verify(1 + waiters + BY_FORK);
        }

        /// Who was about to be the guest of one fork finds the locks taken by the next one, which then forks
        /// or gives up.
        fn two_forks_in_a_row(gives_up: bool) {
            let waiter = thread::spawn(add);
            let first = fork(|| {});
            add();
            let second = if gives_up {
                if lock_for_fork() {
                    unlock();
                    // It has changed something already.
                    true
                } else {
                    false
                }
            } else {
                fork(|| {})
            };
            add();
            waiter.join().unwrap();
            let by_second = if gives_up { 1 } else { BY_FORK };
            let counts = [(first, BY_FORK), (second, by_second)];
            verify(3 + counts.iter().map(|(held, by)| u32::from(*held) * by).sum::<u32>());
        }

        /// A guest makes a lock that others get to know; and, once more, one that the fork holds already.
        fn a_guest_gives_birth() {
            let bear = || {
                let _outer = LOCKS[0].lock();
                NEWBORN.0.lock_newborn();
                // As a place that every fork holds, known or not.
                NEWBORN.0.lock_newborn();
                NEWBORN.1.store(true, Ordering::Release);
            };
            let held = fork(|| thread::spawn(bear).join().unwrap());
            assert!(held);
            assert!(!NEWBORN.0.is_held(), "a newborn is held for good");
            verify(BY_FORK);
        }

        /// A lock that is not held for a fork, and that somebody else has.
        fn a_lock_beside_a_fork() {
            lazy_static! {
                static ref BESIDE: Lock<Watched<u32>> = Lock::new(Watched::new(0));
            }
            let other = thread::spawn(|| add_to(&BESIDE.lock()));
            let held = fork(|| add_to(&BESIDE.lock()));
            other.join().unwrap();
            assert!(held);
            assert_eq!(BESIDE.lock().get(), 2);
        }

        /// A fork that cannot take all locks leaves alone what others hold.
        fn a_fork_that_gives_up() {
            let inner = LOCKS[1].lock();
            assert!(!thread::spawn(lock_for_fork).join().unwrap(), "it is held by another");
            assert!(LOCKS[1].is_mine(), "let go, although another holds it");
            add_to(&inner);
            drop(inner);
            verify(0);
        }

        /// How often threads are interrupted, at most, where all executions are tried. More would take minutes.
        pub(crate) const INTERRUPTIONS: usize = 2;
        /// All of them.
        pub(crate) const PROPERTIES: &[fn()] = &[
            a_fork_that_gives_up,
            a_guest_gives_birth,
            a_lock_beside_a_fork,
            || a_fork_that_waits_for_waiters(1),
            || two_forks_in_a_row(true),
            || two_forks_in_a_row(false),
            a_waiter_and_a_fork,
            || a_fork_that_waits_for_waiters(2),
        ];

        /// A child of so many forks, beside so many threads, sees nothing torn unless it sees a guest.
        fn a_child_sees_a_guest(waiters: u32, forks: u32) {
            let waiters: Vec<_> =
                (0..waiters).map(|_| thread::spawn(|| (0..2).for_each(|_| add()))).collect();
            for _ in 0..forks {
                fork(|| {
                    add();
                    // The child's copy is of this moment: here nobody gets on between two looks.
                    let seen = guests::has_guest();
                    assert!(seen || !TORN.load(Ordering::Relaxed), "torn, and nobody knows");
                });
            }
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
            let sum = LOCKS[0].lock().get();
            verify(sum);
        }

        pub(crate) const LARGE: &[fn()] =
            &[|| a_child_sees_a_guest(2, 2), || a_child_sees_a_guest(4, 3)];
    };
}

pub(crate) use {properties, surroundings};
