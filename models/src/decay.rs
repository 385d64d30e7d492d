//! What holds of decay: what nobody uses is given back, whoever comes by.

/// What the copy needs around it: a family with a clock, a cache of a thread that idles, and two lanes, of which the
/// second has slots of the first.
macro_rules! surroundings {
    () => {
        use super::barrier;
        use super::sync::{
            self, AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, lazy_static,
        };
        use super::thread;
        use std::sync::atomic::AtomicU64 as Count;
        use trim::Drained;

        pub(crate) struct ThreadCache {
            turn: AtomicU32,
        }

        pub(crate) mod class {
            pub(crate) const COUNT: usize = 1;
        }

        pub(crate) mod options {
            pub(crate) const NEVER: u64 = u64::MAX;

            pub(crate) fn purge_delay() -> u64 {
                100
            }
        }

        pub(crate) mod background {
            /// There is none.
            pub(crate) fn wake() {}
        }

        pub(crate) mod handshake {
            pub(crate) enum Whose {
                Idle,
            }

            pub(crate) struct Looked {
                pub(crate) more: bool,
                pub(crate) any_at_work: bool,
            }

            /// What the cache has goes into the second lane, for the first.
            pub(crate) fn unload_next(family: &super::table::FamilyTable, _: Whose) -> Looked {
                let _still = family.hold_still();
                let taken = core::mem::take(&mut *family.caches.lock());
                family.lanes[1].take_in(taken);
                Looked { more: false, any_at_work: taken > 0 }
            }
        }

        pub(crate) mod lane {
            pub(crate) use super::Lane;
            pub(crate) use super::trim::{Drained, Occasion};
        }

        pub(crate) mod block {
            pub(crate) struct Block;
        }

        pub(crate) mod space {
            pub(crate) mod map {
                pub(crate) const GRANULE: usize = 1 << 16;
            }

            pub(crate) struct Space {
                pub(crate) source: Source,
            }

            pub(crate) struct Source;

            impl Source {
                pub(crate) fn milliseconds(&self) -> u64 {
                    super::CLOCK.load(std::sync::atomic::Ordering::Relaxed)
                }
            }

            impl Space {
                pub(crate) fn page_size(&self) -> usize {
                    1 << 12
                }

                pub(crate) fn purge_on_the_way(&self) {}
            }
        }

        /// What a lane counts, and how many slots it has: free ones in each of its blocks, whose pages are still
        /// there, and such of the first lane.
        #[derive(Clone, Copy)]
        pub(crate) struct Counts {
            pub(crate) locks: u64,
            pub(crate) blocks: u32,
            free: [u32; 2],
            others: u32,
        }

        pub(crate) struct State {
            pub(crate) counts: Counts,
            seen: trim::SeenOn,
        }

        pub(crate) struct Mailbox(AtomicU32);

        impl Mailbox {
            pub(crate) fn is_empty(&self) -> bool {
                self.0.load(Ordering::Relaxed) == 0
            }
        }

        pub(crate) struct Lane {
            pub(crate) mailbox: Mailbox,
            pub(crate) state: barrier::Lock<State>,
        }

        impl Lane {
            fn new() -> Self {
                let counts = Counts { locks: 0, blocks: 2, free: [0; 2], others: 0 };
                Self {
                    mailbox: Mailbox(AtomicU32::new(0)),
                    state: barrier::Lock::new(State { counts, seen: trim::SeenOn::NOTHING }),
                }
            }

            pub(crate) fn space(&self) -> &'static space::Space {
                &space::Space { source: space::Source }
            }

            fn lock(&self) -> barrier::Guard<'_, State> {
                let mut state = self.state.lock();
                state.counts.locks += 1;
                state
            }

            /// Some of its own slots are freed.
            fn free_some(&self) {
                self.lock().counts.free[0] += 1;
            }

            /// Slots of the first lane come in.
            fn take_in(&self, slots: u32) {
                if slots > 0 {
                    self.lock().counts.others += slots;
                }
            }

            /// Sends them home. Who posts does not lock the lane that it posts to.
            fn drain(&self) -> trim::Drained {
                let mut state = self.lock();
                let mail = self.mailbox.0.swap(0, Ordering::Acquire);
                state.counts.free[0] += mail;
                let others = core::mem::take(&mut state.counts.others);
                if others > 0 {
                    FAMILY.lanes[0].mailbox.0.fetch_add(others, Ordering::Release);
                }
                trim::Drained { locks: state.counts.locks, mail: mail > 0 }
            }

            /// Gives the pages of the next block back; if there are any, that is enough for one pass.
            fn trim_its_block(&self, place: &mut trim::Place) -> Option<trim::Turn> {
                let next = place.0.map_or(0, |last| last + 1);
                place.0 = (next < 2).then_some(next);
                let next = place.0? as usize;
                let gone = core::mem::take(&mut self.state.lock().counts.free[next]);
                GIVEN.fetch_add(gone.into(), Ordering::Relaxed);
                Some(trim::Turn { gone: 0, looked_at: if gone > 0 { 8 } else { 1 } })
            }
        }

        pub(crate) mod table {
            use super::barrier::{Guard, Lock};
            use super::space::{Source, Space};
            use super::{Decay, Lane};

            pub(crate) struct Usage {
                pub(crate) locks: u64,
            }

            pub(crate) struct FamilyHeap {
                pub(crate) space: &'static Space,
                /// How often it was locked, and how many bytes are free.
                pub(crate) state: Lock<(u64, usize)>,
            }

            impl FamilyHeap {
                pub(crate) fn usage(&self) -> Usage {
                    Usage { locks: self.state.lock().0 }
                }

                pub(crate) fn decommit_free(&self, goal: usize) -> usize {
                    let mut state = self.state.lock();
                    let gone = state.1.min(goal);
                    state.0 += 1;
                    state.1 -= gone;
                    gone
                }
            }

            pub(crate) struct FamilyTable {
                pub(crate) heap: FamilyHeap,
                pub(crate) growth: Lock<()>,
                /// How many slots a thread that idles has in its magazines.
                pub(crate) caches: Lock<u32>,
                pub(crate) lanes: [Lane; 2],
                pub(crate) decay: Decay,
            }

            impl FamilyTable {
                pub(crate) fn new() -> Self {
                    const SPACE: &Space = &Space { source: Source };
                    Self {
                        heap: FamilyHeap { space: SPACE, state: Lock::new((0, 1 << 10)) },
                        growth: Lock::new(()),
                        caches: Lock::new(1),
                        lanes: [Lane::new(), Lane::new()],
                        decay: Decay::new(),
                    }
                }

                pub(crate) fn lanes(&self, _: usize) -> impl Iterator<Item = &Lane> {
                    self.lanes.iter()
                }

                pub(crate) fn hold_still(&self) -> Guard<'_, ()> {
                    self.growth.lock()
                }
            }

            pub(crate) struct SetTable;

            impl SetTable {
                pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
                    core::iter::once(&SetTable)
                }

                pub(crate) fn all_used(&self) -> impl Iterator<Item = &'static FamilyTable> {
                    core::iter::once(&*super::FAMILY)
                }
            }
        }

        use table::FamilyTable;

        lazy_static! {
            static ref FAMILY: FamilyTable = FamilyTable::new();
            static ref CLOCK: Count = Count::new(1_000);
            /// How many slots' pages were given back.
            static ref GIVEN: Count = Count::new(0);
        }
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        /// Time passes, and somebody comes by.
        fn come_by() {
            CLOCK.fetch_add(150, Ordering::Relaxed);
            decay::look_at_clock(&FAMILY);
        }

        /// Somebody frees two slots, one of each lane, and a block.
        fn free_slots() {
            FAMILY.lanes[0].free_some();
            FAMILY.lanes[1].take_in(1);
            let mut heap = FAMILY.heap.state.lock();
            *heap = (heap.0 + 1, heap.1 + 10);
        }

        /// Where nobody works there is nothing to do in the end, and all is given back, once.
        fn it_rests(slots: u64) {
            let mut rounds = 0;
            // What the thread in the background notes when it is woken.
            decay::expect_work();
            while decay::round() {
                rounds += 1;
                assert!(rounds < 60, "it does not rest");
                CLOCK.fetch_add(40, Ordering::Relaxed);
            }
            assert_eq!(*FAMILY.caches.lock(), 0, "something is left");
            assert_eq!(FAMILY.heap.state.lock().1, 0, "something is left");
            assert_eq!(GIVEN.load(Ordering::Relaxed), slots, "something is left, or went twice");
        }

        /// Somebody frees while all is gone through, and then nobody.
        fn freed_beside_a_round() {
            FAMILY.lanes[0].free_some();
            let other = thread::spawn(free_slots);
            for _ in 0..3 {
                CLOCK.fetch_add(150, Ordering::Relaxed);
                decay::round();
            }
            other.join().unwrap();
            it_rests(4);
        }

        /// Two come by, while a third frees.
        fn two_come_by() {
            let other = thread::spawn(come_by);
            let user = thread::spawn(free_slots);
            come_by();
            other.join().unwrap();
            user.join().unwrap();
            it_rests(3);
        }

        /// The first lane has been gone through to its second block, from where that goes on.
        fn half_is_trimmed() {
            free_slots();
            while GIVEN.load(Ordering::Relaxed) < 3 {
                come_by();
            }
        }

        /// Somebody frees before the place.
        fn freed_before_the_place() {
            half_is_trimmed();
            let user = thread::spawn(|| FAMILY.lanes[0].free_some());
            (0..3).for_each(|_| come_by());
            user.join().unwrap();
            it_rests(4);
        }

        /// Mail comes for what is before the place.
        fn mail_before_the_place() {
            half_is_trimmed();
            let user = thread::spawn(|| {
                FAMILY.lanes[1].take_in(1);
                FAMILY.lanes[1].drain();
            });
            (0..3).for_each(|_| come_by());
            user.join().unwrap();
            it_rests(4);
        }

        /// Two trim a lane, and the first of them is slow.
        fn two_trim_a_lane() {
            half_is_trimmed();
            FAMILY.lanes[0].free_some();
            let other = thread::spawn(|| (0..2).for_each(|_| come_by()));
            FAMILY.lanes[0].free_some();
            (0..3).for_each(|_| come_by());
            other.join().unwrap();
            it_rests(5);
        }

        /// All is at rest, and then there is something to do; another comes by.
        fn it_rests_again() {
            it_rests(1);
            let other = thread::spawn(|| (0..4).for_each(|_| come_by()));
            free_slots();
            other.join().unwrap();
            it_rests(3);
            // What is sent home finds its lane trimmed.
            FAMILY.lanes[1].take_in(1);
            it_rests(4);
        }

        pub(crate) const INTERRUPTIONS: usize = 2;
        pub(crate) const PROPERTIES: &[fn()] = &[
            it_rests_again,
            freed_beside_a_round,
            two_come_by,
            freed_before_the_place,
            mail_before_the_place,
            two_trim_a_lane,
        ];

        /// So many come by and free.
        fn all_come_by(threads: u64) {
            let others: Vec<_> = (0..threads)
                .map(|_| {
                    thread::spawn(|| {
                        for _ in 0..3 {
                            come_by();
                            free_slots();
                            come_by();
                        }
                    })
                })
                .collect();
            others.into_iter().for_each(|other| other.join().unwrap());
            it_rests(1 + 6 * threads);
        }

        pub(crate) const LARGE: &[fn()] = &[|| all_come_by(2), || all_come_by(4)];
    };
}

pub(crate) use {properties, surroundings};
