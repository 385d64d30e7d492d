//! What holds of magazines that their threads use while others take from them.

/// What the copy needs around it: a family with one class and one lane, whose magazines are short.
macro_rules! surroundings {
    () => {
        use super::barrier as sync;
        use super::barrier::{
            self, AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Lock, lazy_static,
        };
        use super::sync::Ordering;
        use super::thread;
        use core::cell::Cell;
        use core::ptr::{self, NonNull};
        use error::AllocError;
        use handshake::Whose;
        use head::{Head, Pushed};
        use lane::{Lane, magazine::MagazineBox};
        use std::sync::Mutex;
        use std::sync::atomic::AtomicUsize as Count;
        use table::{CacheLinks, FamilyTable};

        pub(crate) mod class {
            pub(crate) const COUNT: usize = 1;
            pub(crate) const CAPACITY: usize = 4;
            pub(crate) const MAX_MAGAZINE: usize = CAPACITY;

            pub(crate) fn magazine_capacity(_: usize) -> usize {
                CAPACITY
            }
        }

        pub(crate) mod error {
            #[derive(Debug)]
            pub(crate) struct AllocError;
        }

        pub(crate) mod options {
            pub(crate) fn trim_idle() -> bool {
                true
            }
        }

        pub(crate) mod os {
            use super::sync::{AtomicU32, Ordering};

            pub(crate) use super::barrier::barrier_all_threads;

            /// There is room for the hook.
            pub(crate) fn exit_hook(
                _: unsafe extern "C" fn(*mut core::ffi::c_void),
                _: *mut core::ffi::c_void,
            ) -> bool {
                true
            }

            pub(crate) enum Beat {
                Alive,
                Stopped,
                Dead,
            }

            /// A mutex, as the system keeps one for a thread.
            #[derive(Debug)]
            pub(crate) struct Pulse(AtomicU32);

            const HELD: u32 = 0;
            const FREE: u32 = 1;
            const LEFT: u32 = 2;

            super::sync::thread_local! {
                static OWN: core::cell::Cell<Option<&'static Pulse>> = core::cell::Cell::new(None);
            }

            impl Pulse {
                pub(crate) unsafe fn start(place: core::ptr::NonNull<Self>) -> bool {
                    // SAFETY: passed on.
                    unsafe { place.write(Self(AtomicU32::new(HELD))) };
                    // SAFETY: written just now, and never taken away.
                    OWN.with(|own| own.set(Some(unsafe { place.as_ref() })));
                    true
                }

                fn look(&self) {
                    assert!(!super::is_gone(self), "looked at after it was given back");
                }

                pub(crate) fn stop(&self) {
                    self.look();
                    self.0.store(FREE, Ordering::Release);
                }

                /// The calling thread is gone, as the system notes it.
                pub(crate) fn leave() {
                    if let Some(own) = OWN.with(core::cell::Cell::get) {
                        own.0.store(LEFT, Ordering::Release);
                    }
                }

                pub(crate) fn feel(&self) -> Beat {
                    self.look();
                    match self.0.load(Ordering::Acquire) {
                        HELD => Beat::Alive,
                        LEFT => {
                            self.0.store(FREE, Ordering::Relaxed);
                            Beat::Dead
                        }
                        _ => Beat::Stopped,
                    }
                }
            }
        }

        pub(crate) mod space {
            use super::error::AllocError;

            /// It has room.
            #[derive(Debug)]
            pub(crate) struct Space {
                pub(crate) source: Source,
            }

            pub(crate) static SPACE: Space = Space { source: Source };

            /// It has no clock: whoever was at rest at two looks idles.
            #[derive(Debug)]
            pub(crate) struct Source;

            impl Source {
                pub(crate) fn milliseconds(&self) -> u64 {
                    0
                }
            }

            pub(crate) mod provenance {
                pub(crate) fn renewed(slot: core::ptr::NonNull<u8>) -> core::ptr::NonNull<u8> {
                    slot
                }
            }

            pub(crate) mod tables {
                pub(crate) trait Table {
                    const KIND: usize;
                }
            }

            impl Space {
                /// None is used again.
                pub(crate) fn alloc_table<T>(&self) -> Result<core::ptr::NonNull<T>, AllocError> {
                    let room = Box::leak(Box::new(core::mem::MaybeUninit::<T>::uninit()));
                    Ok(core::ptr::NonNull::from(room).cast())
                }

                pub(crate) unsafe fn free_table<T>(&self, raw: core::ptr::NonNull<T>) {
                    let mut gone = super::GONE.lock().unwrap();
                    assert!(!gone.contains(&raw.addr().get()), "given back twice");
                    gone.push(raw.addr().get());
                }

                pub(crate) fn is_given_up(&self) -> bool {
                    false
                }
            }
        }

        /// Memory that can be written and read as one word.
        pub(crate) mod place {
            use super::sync::{AtomicUsize, Ordering};

            #[derive(Debug)]
            pub(crate) struct Place(AtomicUsize);

            impl Place {
                pub(crate) fn new() -> Self {
                    Self(AtomicUsize::new(0))
                }

                pub(crate) fn get(&self) -> *mut u8 {
                    core::ptr::without_provenance_mut(self.0.load(Ordering::Relaxed))
                }

                pub(crate) fn set(&self, slot: *mut u8) {
                    self.0.store(slot.addr(), Ordering::Relaxed);
                }
            }

            pub(crate) unsafe fn copy(from: *mut Place, to: *mut Place, count: usize) {
                for index in 0..count {
                    // SAFETY: passed on.
                    let (from, to) = unsafe { (&*from.add(index), &*to.add(index)) };
                    to.set(from.get());
                }
            }
        }

        pub(crate) mod lane {
            use super::barrier::Lock;
            use super::error::AllocError;
            use super::{LANE, MAGAZINE, move_slot};
            use magazine::MagazineBox;

            /// Slots behind a lock, by their numbers.
            #[derive(Debug)]
            pub(crate) struct Lane(pub(crate) Lock<Vec<usize>>);

            impl Lane {
                pub(crate) fn space(&self) -> &'static super::space::Space {
                    &super::space::SPACE
                }

                pub(crate) fn exchange(
                    &self,
                    mut magazine: MagazineBox,
                    _: usize,
                ) -> Result<MagazineBox, (MagazineBox, AllocError)> {
                    assert!(magazine.is_empty(), "a slot is lost");
                    let mut slots = self.0.lock();
                    // The last to be freed is the first to be allocated.
                    let from = slots.len().saturating_sub(super::class::CAPACITY);
                    for slot in slots.drain(from..) {
                        move_slot(slot, LANE, MAGAZINE);
                        magazine.push(core::ptr::without_provenance_mut(slot));
                    }
                    if magazine.is_empty() { Err((magazine, AllocError)) } else { Ok(magazine) }
                }

                pub(crate) fn park(&self, mut magazine: MagazineBox) -> MagazineBox {
                    self.unload(&mut magazine);
                    magazine
                }

                pub(crate) fn unload(&self, magazine: &mut MagazineBox) {
                    let mut slots = self.0.lock();
                    while let Some(slot) = magazine.pop() {
                        move_slot(slot.addr(), MAGAZINE, LANE);
                        slots.push(slot.addr());
                    }
                }

                pub(crate) fn retire(&self, magazines: [Option<MagazineBox>; 2]) {
                    for mut magazine in magazines.into_iter().flatten() {
                        self.unload(&mut magazine);
                    }
                }
            }

            pub(crate) mod magazine {
                use super::super::error::AllocError;
                use super::super::place::Place;
                use super::super::space::Space;
                use super::super::{ROOM, class};
                use std::sync::atomic::Ordering;

                #[derive(Debug)]
                pub(crate) struct MagazineBox {
                    bottom: *mut Place,
                    len: usize,
                }

                impl MagazineBox {
                    /// All lie side by side, in each execution the same, and none is used again.
                    pub(crate) fn new(_: &Space, _: usize) -> Result<Self, AllocError> {
                        let number = ROOM.1.fetch_add(1, Ordering::Relaxed);
                        // Before the first slot lies what is no address.
                        let bottom = &ROOM.0[number * (class::CAPACITY + 1) + 1..];
                        Ok(Self { bottom: bottom.as_ptr().cast_mut(), len: 0 })
                    }

                    pub(crate) fn discard(self, _: &Space) {
                        assert!(self.is_empty());
                    }

                    pub(crate) fn into_bottom(self) -> *mut Place {
                        self.bottom
                    }

                    pub(crate) unsafe fn from_bottom(bottom: *mut Place, len: usize) -> Self {
                        Self { bottom, len }
                    }

                    pub(crate) fn len(&self) -> usize {
                        self.len
                    }

                    pub(crate) fn is_empty(&self) -> bool {
                        self.len == 0
                    }

                    pub(crate) fn buffer(&mut self, count: usize) -> &[Place] {
                        assert!(count <= class::CAPACITY);
                        // SAFETY: so many follow.
                        unsafe { core::slice::from_raw_parts(self.bottom, count) }
                    }

                    pub(crate) unsafe fn set_len(&mut self, len: usize) {
                        self.len = len;
                    }

                    pub(crate) fn push(&mut self, slot: *mut u8) {
                        self.len += 1;
                        self.buffer(self.len).last().unwrap().set(slot);
                    }

                    pub(crate) fn pop(&mut self) -> Option<*mut u8> {
                        let last = self.buffer(self.len).last()?.get();
                        self.len -= 1;
                        Some(last)
                    }
                }
            }
        }

        pub(crate) mod table {
            pub(crate) use super::caches::{CacheLinks, CacheList};

            use super::barrier::{Guard, Lock};
            use super::error::AllocError;
            use super::lane::Lane;
            use super::space::{SPACE, Space};

            pub(crate) struct FamilyHeap {
                pub(crate) space: &'static Space,
            }

            pub(crate) struct FamilyTable {
                pub(crate) heap: FamilyHeap,
                pub(crate) caches: Lock<CacheList>,
                pub(crate) growth: Lock<()>,
                pub(crate) lane: Lane,
            }

            impl FamilyTable {
                pub(crate) fn new(slots: usize) -> Self {
                    Self {
                        heap: FamilyHeap { space: &SPACE },
                        caches: Lock::new(CacheList::new()),
                        growth: Lock::new(()),
                        lane: Lane(Lock::new((1..=slots).collect())),
                    }
                }

                pub(crate) fn hold_still(&self) -> Guard<'_, ()> {
                    self.growth.lock()
                }

                pub(crate) fn assign_lane(
                    &'static self,
                    _: usize,
                ) -> Result<&'static Lane, AllocError> {
                    let _growth = self.growth.lock();
                    Ok(&self.lane)
                }
            }
        }

        super::sync::thread_local! {
            /// Where the calling thread's cache is.
            static CACHE_SLOT: Cell<*const ThreadCache> = Cell::new(ptr::null());
        }

        fn point_cache_slot(_: &table::FamilyTable, cache: *const ThreadCache) {
            CACHE_SLOT.with(|cache_slot| cache_slot.set(cache));
        }

        struct EmptyCache;

        impl EmptyCache {
            fn as_cache(&self) -> *const ThreadCache {
                ptr::null()
            }
        }

        const EMPTY_CACHE: EmptyCache = EmptyCache;

        /// Where a slot can be.
        const LANE: u8 = 0;
        const MAGAZINE: u8 = 1;
        const PROGRAM: u8 = 2;

        /// So many slots there are.
        const SLOTS: usize = 32;
        /// So many magazines.
        const MAGAZINES: usize = 24;

        lazy_static! {
            static ref FAMILY: FamilyTable = FamilyTable::new(SLOTS);
            static ref ROOM: (Vec<place::Place>, Count) = {
                let places = MAGAZINES * (class::CAPACITY + 1);
                ((0..places).map(|_| place::Place::new()).collect(), Count::new(0))
            };
            /// Where the slots are.
            static ref WHERE: Mutex<[u8; SLOTS + 1]> = Mutex::new([LANE; SLOTS + 1]);
            /// What was given back.
            static ref GONE: Mutex<Vec<usize>> = Mutex::new(Vec::new());
        }

        fn may_have_caches() -> bool {
            true
        }

        fn is_gone<T>(table: *const T) -> bool {
            GONE.lock().unwrap().contains(&table.addr())
        }

        fn move_slot(slot: usize, from: u8, to: u8) {
            assert_ne!(slot, 0, "there is no slot");
            let before = core::mem::replace(&mut WHERE.lock().unwrap()[slot], to);
            assert_eq!(before, from, "a slot is in two places");
        }
    };
}

/// What threads do with their caches.
macro_rules! work {
    () => {
        /// Makes a cache, as a thread's first use does.
        fn new_cache() -> &'static ThreadCache {
            let cache = Box::leak(Box::new(ThreadCache::new()));
            cache.family.store(ptr::from_ref::<FamilyTable>(&FAMILY).cast_mut(), Ordering::Relaxed);
            // SAFETY: a cache, and in no list yet.
            unsafe { FAMILY.caches.lock().insert(ThreadCache::links_of(NonNull::from(&*cache))) };
            cache
        }

        /// As `take_slowly` and what comes before it.
        fn allocate(cache: &ThreadCache) -> NonNull<u8> {
            let slot = cache.heads[0].pop().unwrap_or_else(|| {
                take_in_turn(cache, &FAMILY, 0).unwrap().expect("room for magazines")
            });
            move_slot(slot.addr().get(), MAGAZINE, PROGRAM);
            slot
        }

        /// As `give_slowly` and what comes before it.
        fn free(cache: &ThreadCache, slot: NonNull<u8>) {
            move_slot(slot.addr().get(), PROGRAM, MAGAZINE);
            match cache.heads[0].push_another(slot) {
                Pushed::Done => {}
                Pushed::NoRoom => assert!(give_in_turn(cache, &FAMILY, 0, slot)),
                Pushed::Again => panic!("taken for a double free"),
            }
        }

        fn close_cache(cache: &'static ThreadCache) {
            // SAFETY: the cache is the caller's, or that of a thread that is gone, and not used any more.
            unsafe { close_list(cache, Owner::Gone) };
        }

        /// Once nobody has a cache any more, nothing is lost, and nothing there twice.
        fn verify(programs: usize) {
            let in_lane = FAMILY.lane.0.lock().len();
            let places = WHERE.lock().unwrap();
            let count = |place| places[1..].iter().filter(|it| **it == place).count();
            assert_eq!((in_lane, count(LANE)), (SLOTS - programs, SLOTS - programs), "lost");
            assert_eq!((count(MAGAZINE), count(PROGRAM)), (0, programs));
        }
    };
}

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        fn take_from_others() -> handshake::Looked {
            handshake::unload_next(&FAMILY, Whose::All)
        }

        /// A thread does something with its cache, after it has allocated so much and freed some of it,
        /// while another takes what is
        /// in its magazines.
        fn beside_a_taker(
            before: usize,
            freed: usize,
            work: fn(&'static ThreadCache, &mut Vec<NonNull<u8>>),
        ) {
            let cache = new_cache();
            let mut slots: Vec<_> = (0..before).map(|_| allocate(cache)).collect();
            slots.drain(..freed).for_each(|slot| free(cache, slot));
            barrier::come_in(0);
            let taker = thread::spawn(take_from_others);
            work(cache, &mut slots);
            barrier::go();
            taker.join().unwrap();
            if !is_gone(cache) {
                close_cache(cache);
            }
            verify(slots.len());
        }

        fn take_two() {
            beside_a_taker(1, 0, |cache, slots| {
                slots.push(allocate(cache));
                slots.push(allocate(cache));
            });
        }

        fn give_two() {
            beside_a_taker(3, 0, |cache, slots| {
                free(cache, slots.pop().unwrap());
                free(cache, slots.pop().unwrap());
            });
        }

        fn take_and_refill() {
            beside_a_taker(3, 0, |cache, slots| {
                slots.push(allocate(cache));
                slots.push(allocate(cache));
            });
        }

        fn end() {
            beside_a_taker(2, 0, |cache, slots| {
                free(cache, slots.pop().unwrap());
                close_cache(cache);
            });
        }

        /// What was taken, and so had by somebody else, is freed where it was taken from: no double free.
        fn give_again() {
            beside_a_taker(1, 0, |cache, slots| {
                slots.push(allocate(cache));
                let mut lane = FAMILY.lane.0.lock();
                if let Some(at) = lane.iter().position(|&slot| slot == SLOTS - 2) {
                    let slot = lane.swap_remove(at);
                    drop(lane);
                    move_slot(slot, LANE, PROGRAM);
                    free(cache, NonNull::new(ptr::without_provenance_mut(slot)).unwrap());
                }
            });
        }

        /// The previous magazine has slots, too.
        fn take_previous() {
            beside_a_taker(6, 4, |cache, slots| {
                free(cache, slots.pop().unwrap());
                slots.push(allocate(cache));
            });
        }

        /// How often threads are interrupted, at most, where all executions are tried.
        pub(crate) const INTERRUPTIONS: usize = 3;
        /// All of them.
        pub(crate) const PROPERTIES: &[fn()] =
            &[take_two, give_two, take_and_refill, end, give_again, take_previous];

        /// So many threads allocate and free, each in another order, and some of them end, while others take
        /// from them.
        fn everybody_works(threads: usize, takers: usize) {
            let work = |own: usize| {
                move || {
                    let cache = new_cache();
                    barrier::come_in(own);
                    let mut slots = Vec::new();
                    for turn in 0..3 {
                        (0..=own + turn).for_each(|_| slots.push(allocate(cache)));
                        slots.drain(own % 2..).for_each(|slot| free(cache, slot));
                    }
                    slots.into_iter().for_each(|slot| free(cache, slot));
                    if own % 2 == 0 {
                        close_cache(cache);
                    }
                    barrier::go();
                    (own % 2 != 0).then_some(cache)
                }
            };
            let take = |own: usize| {
                move || {
                    let whose = if own == 0 { Whose::Idle } else { Whose::All };
                    for _ in 0..3 {
                        handshake::unload_next(&FAMILY, whose);
                    }
                }
            };
            let takers: Vec<_> = (0..takers).map(|own| thread::spawn(take(own))).collect();
            let owners: Vec<_> = (0..threads).map(|own| thread::spawn(work(own))).collect();
            let caches: Vec<_> = owners.into_iter().map(|owner| owner.join().unwrap()).collect();
            takers.into_iter().for_each(|taker| taker.join().unwrap());
            caches.into_iter().flatten().for_each(close_cache);
            verify(0);
        }

        pub(crate) const LARGE: &[fn()] = &[|| everybody_works(2, 1), || everybody_works(3, 2)];
    };
}

pub(crate) use {properties, surroundings, work};
