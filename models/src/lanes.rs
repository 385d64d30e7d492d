//! What holds of lanes: who is assigned which, and what becomes of what whoever leaves has left.

/// What the copy needs around it: a family with two classes, of which one has a lane at most and the other two;
/// magazines of two slots; and blocks of which a lane only knows which slots are free.
macro_rules! surroundings {
    () => {
        use super::barrier::{self, AtomicPtr, Guard, Lock, lazy_static};
        use super::sync::{AtomicUsize, Ordering};
        use super::thread;
        use class::MAX_DEPOT;
        use core::mem;
        use core::ptr::{self, NonNull};
        use std::sync::atomic::AtomicUsize as Count;

        #[derive(Debug)]
        pub(crate) struct AllocError;

        pub(crate) mod class {
            pub(crate) const COUNT: usize = 2;
            pub(crate) const MAX_DEPOT: usize = 2;

            pub(crate) fn magazine_capacity(_: usize) -> usize {
                2
            }

            pub(crate) fn depot_capacity(_: usize) -> usize {
                1
            }
        }

        fn most_lanes(class: usize) -> usize {
            class + 1
        }

        const MAILBOX_BOUND: usize = 8;
        const SPARE_BOUND: usize = 2;
        const SCATTERED_BOUND: u32 = 100;

        #[derive(Debug)]
        pub(crate) struct Space;

        impl Space {
            /// It has room, and none is used again.
            fn alloc_table<T>(&self) -> Result<NonNull<T>, AllocError> {
                Ok(NonNull::from(Box::leak(Box::new(mem::MaybeUninit::<T>::uninit()))).cast())
            }

            fn purge_on_the_way(&self) {}
        }

        pub(crate) struct FamilyHeap {
            space: &'static Space,
        }

        pub(crate) struct FamilyTable {
            heap: FamilyHeap,
            cells: [AtomicPtr<Lane>; class::COUNT],
            growth: Lock<()>,
        }

        lazy_static! {
            static ref FAMILY: FamilyTable = FamilyTable {
                heap: FamilyHeap { space: &Space },
                cells: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
                growth: Lock::new(()),
            };
            /// How many lanes there are.
            static ref LANES: Count = Count::new(0);
        }

        pub(crate) struct Magazine {
            next: *mut Self,
            slots: Vec<*mut u8>,
        }

        pub(crate) struct MagazineBox {
            raw: NonNull<Magazine>,
        }

        // SAFETY: as of the original.
        unsafe impl Send for MagazineBox {}

        impl MagazineBox {
            fn new(_: &Space, _: usize) -> Result<Self, AllocError> {
                let magazine = Magazine { next: ptr::null_mut(), slots: Vec::new() };
                Ok(Self { raw: NonNull::from(Box::leak(Box::new(magazine))) })
            }

            fn all(&self) -> &Vec<*mut u8> {
                // SAFETY: the box is the only access to its magazine.
                unsafe { &(*self.raw.as_ptr()).slots }
            }

            fn all_mut(&mut self) -> &mut Vec<*mut u8> {
                // SAFETY: as above.
                unsafe { &mut (*self.raw.as_ptr()).slots }
            }

            fn discard(self, _: &Space) {
                assert!(self.is_empty(), "a slot is lost");
                // SAFETY: from `new`, and the only access.
                drop(unsafe { Box::from_raw(self.raw.as_ptr()) });
            }

            fn len(&self) -> usize {
                self.all().len()
            }

            fn is_empty(&self) -> bool {
                self.all().is_empty()
            }

            fn slots(&self) -> &[*mut u8] {
                self.all()
            }

            fn buffer(&mut self, count: usize) -> &mut [*mut u8] {
                &mut self.all_mut()[..count]
            }

            unsafe fn set_len(&mut self, len: usize) {
                self.all_mut().truncate(len);
            }

            fn push(&mut self, slot: *mut u8) {
                assert!(self.len() < class::magazine_capacity(0));
                self.all_mut().push(slot);
            }

            fn pop(&mut self) -> Option<*mut u8> {
                self.all_mut().pop()
            }
        }

        #[derive(Default)]
        pub(crate) struct Counts {
            locks: u64,
            carved: usize,
        }

        /// What trimming is told, which is not in this model.
        pub(crate) struct Drained {
            #[expect(dead_code, reason = "trimming is not in this model")]
            locks: u64,
            #[expect(dead_code, reason = "trimming is not in this model")]
            mail: bool,
        }

        pub(crate) struct LaneState {
            depot: Depot,
            remote_batches: RemoteBatches,
            spare: MagazineList,
            scattered: u32,
            counts: Counts,
            /// The slots that are free in its blocks.
            free: Vec<*mut u8>,
        }

        // SAFETY: the slots are numbers.
        unsafe impl Send for LaneState {}

        pub(crate) struct Lane {
            number: usize,
            class: usize,
            users: AtomicUsize,
            next: AtomicPtr<Lane>,
            mailbox: Mailbox,
            state: Lock<LaneState>,
        }

        /// The slots of a lane are this and those after it.
        fn first_slot(lane: usize) -> usize {
            lane * 100
        }

        impl Lane {
            fn new(_: &'static FamilyHeap, class: usize) -> Self {
                let state = LaneState {
                    depot: Depot::new(),
                    remote_batches: RemoteBatches::new(),
                    spare: MagazineList::new(),
                    scattered: 0,
                    counts: Counts::default(),
                    free: Vec::new(),
                };
                Self {
                    number: LANES.fetch_add(1, Ordering::Relaxed) + 1,
                    class,
                    users: AtomicUsize::new(0),
                    next: AtomicPtr::new(ptr::null_mut()),
                    mailbox: Mailbox::new(),
                    state: Lock::new(state),
                }
            }

            fn space(&self) -> &'static Space {
                &Space
            }

            fn lock_newborn(&self) {}

            fn note_peak(&self, _: &mut LaneState) {}

            fn fill(
                &self,
                state: &mut LaneState,
                magazine: &mut MagazineBox,
                count: usize,
            ) -> Result<(), AllocError> {
                for _ in 0..count {
                    let slot = state.free.pop().unwrap_or_else(|| {
                        state.counts.carved += 1;
                        ptr::without_provenance_mut(first_slot(self.number) + state.counts.carved)
                    });
                    magazine.push(slot);
                }
                Ok(())
            }

            fn is_own(&self, slot: *mut u8) -> bool {
                slot.addr() / first_slot(1) == self.number
            }

            fn owner_of(&self, slot: *mut u8) -> (&'static Lane, u32) {
                let owner = FAMILY.lanes(self.class).find(|lane| lane.is_own(slot));
                (owner.expect("a lane is lost"), 0)
            }

            fn looks_own(&self, magazine: &MagazineBox) -> bool {
                magazine.slots().iter().all(|&slot| self.is_own(slot))
            }

            fn likely_owner(&self, magazine: &MagazineBox) -> Option<&'static Lane> {
                let owner = self.owner_of(*magazine.slots().first()?).0;
                owner.looks_own(magazine).then_some(owner)
            }

            fn free_own(&self, state: &mut LaneState, slot: *mut u8) {
                assert!(!state.free.contains(&slot), "a slot is in two places");
                state.free.push(slot);
            }

            fn free_one(&self, slot: *mut u8) {
                let mut state = self.lock();
                self.free_own(&mut state, slot);
            }

            fn free_own_slots(&self, state: &mut LaneState, magazine: &mut MagazineBox) -> usize {
                let slots = mem::take(magazine.all_mut());
                let (own, others) = slots.into_iter().partition(|&slot| self.is_own(slot));
                let _: &Vec<_> = &own;
                own.into_iter().for_each(|slot| self.free_own(state, slot));
                *magazine.all_mut() = others;
                magazine.len()
            }
        }

        fn drop_given_up(_: &mut MagazineBox) -> bool {
            false
        }
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        /// A thread's place in a lane, with a magazine.
        struct User {
            lane: &'static Lane,
            magazine: MagazineBox,
        }

        fn join(class: usize) -> User {
            let lane = FAMILY.assign_lane(class).unwrap();
            assert!(lane.users.load(Ordering::Relaxed) < 9, "users that are none");
            User { lane, magazine: MagazineBox::new(&Space, class).unwrap() }
        }

        impl User {
            fn allocate(&mut self) -> usize {
                if self.magazine.is_empty() {
                    let empty = MagazineBox::new(&Space, 0).unwrap();
                    let empty = mem::replace(&mut self.magazine, empty);
                    let full = self.lane.exchange(empty, 2).unwrap_or_else(|_| panic!("no room"));
                    mem::replace(&mut self.magazine, full).discard(&Space);
                }
                self.magazine.pop().unwrap().addr()
            }

            fn free(&mut self, slot: usize) {
                if self.magazine.len() == class::magazine_capacity(0) {
                    self.park();
                }
                self.magazine.push(ptr::without_provenance_mut(slot));
            }

            fn park(&mut self) {
                let empty = MagazineBox::new(&Space, 0).unwrap();
                let full = mem::replace(&mut self.magazine, empty);
                let empty = self.lane.park(full);
                mem::replace(&mut self.magazine, empty).discard(&Space);
            }

            fn leave(self) {
                self.lane.retire([Some(self.magazine), None]);
            }
        }

        /// Once all have left, what they have left is in the blocks, or on its way to a lane that was left
        /// before: then whoever drains that finds it.
        fn verify() {
            let all = || (0..class::COUNT).flat_map(|class| FAMILY.lanes(class));
            for lane in all() {
                assert_eq!(lane.users.load(Ordering::Relaxed), 0, "users that are none");
                let state = lane.state.lock();
                let parked = state.depot.slots() + state.remote_batches.slots() + state.spare.len();
                assert_eq!(parked, 0, "nobody has drained it");
            }
            FAMILY.drain();
            for lane in all() {
                let state = lane.state.lock();
                assert_eq!(state.free.len(), state.counts.carved, "a slot is lost");
                assert!(lane.mailbox.is_empty());
            }
            assert_eq!(all().count(), LANES.load(Ordering::Relaxed), "a lane is lost");
        }

        /// Two come at once, and each has a lane of its own; or one that both have, where there is no more.
        fn two_come(class: usize) {
            let other = thread::spawn(move || join(class));
            let mut own = join(class);
            let mut other = other.join().unwrap();
            let shared = ptr::eq(own.lane, other.lane);
            assert!(!shared || class == 0, "two share a lane, and one is idle");
            assert!(shared || class == 1, "a lane is lost");
            let slots = [own.allocate(), other.allocate()];
            assert_ne!(slots[0], slots[1]);
            // Each frees what the other had.
            other.free(slots[0]);
            own.free(slots[1]);
            let other = thread::spawn(|| other.leave());
            own.leave();
            other.join().unwrap();
            verify();
        }

        /// One leaves while another comes, who then frees what the first had.
        fn one_comes_and_one_leaves(class: usize) {
            let mut first = join(class);
            let slots = [0; 3].map(|_| first.allocate());
            first.free(slots[2]);
            let other = thread::spawn(move || {
                let mut other = join(class);
                slots[..2].iter().for_each(|&slot| other.free(slot));
                other.leave();
            });
            first.leave();
            other.join().unwrap();
            verify();
        }

        /// What was sent to a lane that nobody has is found by who is assigned it next.
        fn what_is_left_is_found() {
            let mut first = join(1);
            let slots = [0; 2].map(|_| first.allocate());
            let mut other = join(1);
            first.leave();
            slots.iter().for_each(|&slot| other.free(slot));
            other.park();
            let mut next = join(1);
            let again = [0; 2].map(|_| next.allocate());
            assert!(again.iter().all(|slot| slots.contains(slot)), "what was left is not found");
            again.iter().for_each(|&slot| next.free(slot));
            next.leave();
            other.leave();
            verify();
        }

        pub(crate) const INTERRUPTIONS: usize = 2;
        pub(crate) const PROPERTIES: &[fn()] = &[
            what_is_left_is_found,
            || two_come(0),
            || two_come(1),
            || one_comes_and_one_leaves(0),
            || one_comes_and_one_leaves(1),
        ];

        /// So many come and go, and free what others had.
        fn all_come_and_go(threads: usize) {
            let shared = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let others: Vec<_> = (0..threads)
                .map(|own| {
                    let shared = std::sync::Arc::clone(&shared);
                    thread::spawn(move || {
                        for turn in 0..3 {
                            let mut user = join(1);
                            for _ in 0..=(own + turn) % 4 {
                                let slot = user.allocate();
                                shared.lock().unwrap().push(slot);
                            }
                            for _ in 0..=turn {
                                let slot = shared.lock().unwrap().pop();
                                slot.into_iter().for_each(|slot| user.free(slot));
                            }
                            user.leave();
                        }
                    })
                })
                .collect();
            others.into_iter().for_each(|other| other.join().unwrap());
            let mut last = join(1);
            let left = mem::take(&mut *shared.lock().unwrap());
            left.into_iter().for_each(|slot| last.free(slot));
            last.leave();
            verify();
        }

        pub(crate) const LARGE: &[fn()] = &[|| all_come_and_go(2), || all_come_and_go(4)];
    };
}

pub(crate) use {properties, surroundings};
