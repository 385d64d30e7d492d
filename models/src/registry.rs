//! What holds of the first use of a family, and of what a fork finds.

/// What the copy needs around it: a place of a space, over which there is one family.
macro_rules! surroundings {
    () => {
        use super::cell::Cell as Watched;
        use super::sync::{
            AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, hint,
            lazy_static,
        };
        use super::thread::{self, name, yield_now};

        pub(crate) struct SpaceCell(waiting::Lock<()>);

        /// There is none.
        pub(crate) enum Space {}

        lazy_static! {
            static ref CELL: SpaceCell = SpaceCell(waiting::Lock::new(()));
        }

        impl SpaceCell {
            fn in_lock_order() -> impl Iterator<Item = &'static Self> {
                core::iter::once_with(|| &*CELL)
            }

            fn lock(&self) -> &waiting::Lock<()> {
                &self.0
            }

            fn reserved(&self) -> Option<&'static Space> {
                None
            }
        }

        impl Space {
            fn lock_for_fork(&self, _: &mut Patience) -> bool {
                match *self {}
            }

            unsafe fn unlock(&self) {
                match *self {}
            }
        }

        pub(crate) struct Family {
            written: Watched<u32>,
            lock: waiting::Lock<Watched<u32>>,
        }

        impl Family {
            fn lock_for_fork(&self, patience: &mut Patience) -> bool {
                self.lock.lock_for_fork(patience)
            }

            unsafe fn unlock(&self) {
                // SAFETY: passed on.
                unsafe { self.lock.unlock() }
            }
        }

        fn families_over(_: &'static SpaceCell) -> impl Iterator<Item = &'static Family> {
            FAMILY.get().into_iter()
        }
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        use first::First;
        use waiting::Patience;

        lazy_static! {
            static ref FAMILY: First<Family> = First::new();
            /// The room in which threads write a family, each in its own.
            static ref ROOM: [Family; 4] = core::array::from_fn(|_| Family {
                written: Watched::new(0),
                lock: waiting::Lock::new(Watched::new(0)),
            });
        }

        /// As `SetTable::family`.
        fn family(own: usize) -> &'static Family {
            if let Some(family) = FAMILY.get() {
                return family;
            }
            let ours = &ROOM[own];
            ours.written.replace(1);
            registry::register(|| {
                if FAMILY.get().is_none() {
                    ours.lock.lock_newborn();
                }
                FAMILY.get_or_set(ours)
            })
        }

        fn use_family(own: usize) -> &'static Family {
            let family = family(own);
            assert_eq!(family.written.get(), 1, "seen before it was written");
            let value = family.lock.lock();
            let before = value.get();
            value.replace(before + 1);
            family
        }

        /// Whoever uses it, it is the same one.
        fn verify(users: &[&'static Family]) {
            let known = FAMILY.get().unwrap();
            assert!(users.iter().all(|user| std::ptr::eq(*user, known)), "two of one");
            assert_eq!(known.lock.lock().get() as usize, users.len(), "a use is lost");
        }

        /// Two threads use a family first.
        fn one_is_made() {
            let other = thread::spawn(|| use_family(1));
            let ours = use_family(0);
            verify(&[ours, other.join().unwrap()]);
        }

        /// Whoever reads the new count finds what was made known.
        fn what_is_counted_is_there() {
            let reader = thread::spawn(|| {
                if registry::count() > 0 {
                    let family = FAMILY.get().expect("counted, and not there");
                    assert_eq!(family.written.get(), 1);
                }
            });
            let user = use_family(0);
            reader.join().unwrap();
            verify(&[user]);
        }

        /// Has `meanwhile` run while all locks are held for a fork; returns whether they could be taken.
        fn fork(meanwhile: impl FnOnce()) -> bool {
            let held = lock_all_for_fork(&mut Patience::new(3));
            if held {
                assert!(
                    FAMILY.get().is_none_or(|family| family.lock.is_mine()),
                    "a fork does not lock_for_fork what is there"
                );
                // SAFETY: held just now.
                unsafe { guests::begin_fork() };
                meanwhile();
                let unlock = || {
                    assert!(
                        FAMILY.get().is_none_or(|family| family.lock.is_held()),
                        "what a guest has made is not held"
                    );
                    // SAFETY: held above, and nobody is a guest.
                    unsafe { unlock_all() };
                };
                // SAFETY: begun above.
                unsafe { guests::end_fork(unlock) };
            }
            held
        }

        /// A thread forks while another uses a family first.
        fn a_fork_holds_all() {
            let other = thread::spawn(|| use_family(0));
            fork(|| {});
            verify(&[other.join().unwrap()]);
        }

        /// A family is made by a guest, whom the thread that forks waits for.
        fn what_a_guest_makes_is_held() {
            let mut user = None;
            assert!(fork(|| user = Some(thread::spawn(|| use_family(0)).join().unwrap())));
            verify(&[user.unwrap()]);
        }

        /// How often threads are interrupted, at most, where all executions are tried. More would take
        /// minutes.
        pub(crate) const INTERRUPTIONS: usize = 2;
        /// All of them.
        pub(crate) const PROPERTIES: &[fn()] =
            &[one_is_made, what_is_counted_is_there, what_a_guest_makes_is_held, a_fork_holds_all];

        /// So many threads use a family first, while one forks again and again.
        fn everybody_uses_it(threads: usize) {
            let others: Vec<_> =
                (1..threads).map(|own| thread::spawn(move || use_family(own))).collect();
            for _ in 0..3 {
                fork(|| {});
            }
            let mut users = vec![use_family(0)];
            users.extend(others.into_iter().map(|other| other.join().unwrap()));
            verify(&users);
        }

        pub(crate) const LARGE: &[fn()] = &[|| everybody_uses_it(3), || everybody_uses_it(4)];
    };
}

pub(crate) use {properties, surroundings};
